"""How S3 is reached: endpoint, region, credentials, patience.

Belongs here: turning the standard AWS settings into what obstore and polars take, and trying again. Does not
belong here: what is read or written (`store`), what an error means (`faults`).

The standard settings are `AWS_*` variables, the shared files below `~/.aws` with their profiles, and what a
container or machine is given. Keys in the environment are left to obstore and polars, which read them
themselves; everything else is found by boto3, which knows all of it. Nothing here holds or shows a secret.

What can pass by itself (500, 503 SlowDown, a lost or stalled connection) is tried again for at most about a
minute, see `Patience`; what cannot (a refusal, a bucket that is not there) is said at once.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from obstore.exceptions import BaseError
from obstore.store import S3Store

from html_classification.lake.errors import StoreError
from html_classification.lake.faults import may_pass

if TYPE_CHECKING:
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ClientConfig, RetryConfig

T = TypeVar("T")

#: S3 takes no larger object in one put, and only a single put can be create-only everywhere.
LARGEST_PUT = 5 * 1024**3


@dataclass(frozen=True)
class Patience:
    """How long S3 is waited for, and how often what can pass by itself is tried again.

    Measured: a refused connection or a 503 is said after 10 to 20 seconds (where polars reads, which goes through all
    of it twice, after 30), a server that takes requests and never answers after 60 to 80 (polars, which knows no
    stalling, only a total: 120). A larger put may take longer by its bytes divided by `slowest`, and that twice.

    Attributes:
        connect: For a connection.
        stalled: Without anything from the server.
        again: No attempt begins later than this after the first one did.
        attempts: How many follow the first one.
        slowest: Bytes a second: a large put has the time that it takes at this speed.
        first_pause: Before the second attempt; pauses grow from there, with chance in them.
        longest_pause: They grow no longer than this.
    """

    connect: timedelta = timedelta(seconds=5)
    stalled: timedelta = timedelta(seconds=30)
    again: timedelta = timedelta(seconds=60)
    attempts: int = 8
    slowest: int = 1024**2
    first_pause: timedelta = timedelta(milliseconds=200)
    longest_pause: timedelta = timedelta(seconds=4)


PATIENCE = Patience()
_GROWTH = 4
_VARIABLE = "AWS_ENDPOINT_URL_S3"
_ENVIRONMENT = Lock()


@dataclass(frozen=True)
class Access:
    """Another way to S3 than the standard settings, such as to a bucket of someone else.

    Attributes:
        session: A boto3 session: its profile or keys, and its region.
        endpoint: The server; without it that of the session's profile, then the standard one.
        unsigned: Without credentials, for a public bucket.
    """

    session: "boto3.Session"
    endpoint: str | None = None
    unsigned: bool = False


def make_access(
    profile: str | None = None,
    region: str | None = None,
    endpoint: str | None = None,
    keys: tuple[str | None, str | None, str | None] = (None, None, None),
    *,
    unsigned: bool = False,
) -> Access:
    """Another way to S3.

    Args:
        profile: A profile of the AWS files.
        region: Its region; without it the profile's.
        endpoint: The server; without it the profile's.
        keys: Key id, secret and session token, in place of a profile.
        unsigned: Without credentials.

    Raises:
        StoreError: There is no such profile.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        return Access(boto3.Session(*keys, region_name=region, profile_name=profile), endpoint, unsigned)
    except BotoCoreError as error:
        raise _unfit(error) from None


@dataclass(frozen=True)
class _Way:
    """Where S3 is, and whom to ask for credentials (None: the environment)."""

    region: str
    endpoint: str | None
    session: "boto3.Session | None" = None
    unsigned: bool = False


def open_s3(uri: str, access: Access | None = None, *, put: int | None = None) -> S3Store:
    """The store behind `s3://bucket/prefix`.

    Args:
        uri: The address.
        access: How to get there, where it is not by the standard settings.
        put: Open it for puts of up to this many bytes, each tried once, as whoever repeats a put must know of every
            attempt; without it for everything else.

    Raises:
        StoreError: There are no credentials anywhere.
    """
    way, patience = _way(access), PATIENCE
    client: ClientConfig = {"allow_http": _plain_http(way), "connect_timeout": patience.connect}
    if put is None:
        client |= {"read_timeout": patience.stalled, "timeout": timedelta(days=1)}
    else:
        client["timeout"] = patience.stalled + timedelta(seconds=put / patience.slowest)
    retries: RetryConfig = {
        "max_retries": patience.attempts if put is None else 0,
        "retry_timeout": patience.again,
        "backoff": {"init_backoff": patience.first_pause, "max_backoff": patience.longest_pause, "base": _GROWTH},
    }
    credentials = _credentials(way)
    with _endpoint_of(way):
        return S3Store.from_url(
            uri,
            config=_config(way) | ({"skip_signature": "true"} if way.unsigned else {}),  # type: ignore[arg-type]
            client_options=client,
            retry_config=retries,
            credential_provider=credentials,
        )


@contextmanager
def _endpoint_of(way: _Way) -> Iterator[None]:
    """Let the given endpoint count: to obstore the variable counts more, so it is away while a store is made."""
    with _ENVIRONMENT:
        known = os.environ.get(_VARIABLE)
        if known is None or known == way.endpoint:
            yield
            return
        del os.environ[_VARIABLE]
        try:
            yield
        finally:
            os.environ[_VARIABLE] = known


def polars_arguments(access: Access | None = None) -> dict[str, Any]:
    """What polars' `scan_parquet` and its like need for the same place: `storage_options`, `credential_provider`.

    Left to itself polars does not find every profile, and imports boto3 where nothing else needs it.
    """
    way, patience = _way(access), PATIENCE
    total = patience.stalled * 2
    endpoint = {"aws_endpoint_url_s3": way.endpoint} if way.endpoint else {}
    options: dict[str, Any] = (
        endpoint
        | {f"aws_{key}": value for key, value in _config(way).items()}
        | {
            "aws_allow_http": str(_plain_http(way)).lower(),
            "aws_connect_timeout": f"{_milliseconds(patience.connect)}ms",
            "aws_timeout": f"{_milliseconds(total)}ms",
            "max_retries": patience.attempts,
            # It goes through all of its retries twice.
            "retry_timeout_ms": _milliseconds(patience.again) // 2,
            "retry_init_backoff_ms": _milliseconds(patience.first_pause),
            "retry_max_backoff_ms": _milliseconds(patience.longest_pause),
            "retry_base_multiplier": float(_GROWTH),
        }
    )
    if way.unsigned:
        options["aws_skip_signature"] = "true"
    provider = _credentials(way)
    return {"storage_options": options, "credential_provider": provider and _for_polars(provider)}


def _for_polars(provider: "Boto3CredentialProvider") -> Callable[[], tuple[dict[str, str], int]]:
    def credentials() -> tuple[dict[str, str], int]:
        found = provider()
        names = {"access_key_id": "aws_access_key_id", "secret_access_key": "aws_secret_access_key"}
        keys = {polars: str(found[name]) for name, polars in names.items()}  # type: ignore[literal-required]
        token = found.get("token")
        expires = found["expires_at"]
        assert expires is not None  # noqa: S101 - boto3's are asked for again in half an hour
        return keys | ({"aws_session_token": token} if token else {}), int(expires.timestamp())

    return credentials


def _milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)


def _way(access: Access | None) -> _Way:
    with _ENVIRONMENT:
        return _find_way(access)


def _find_way(access: Access | None) -> _Way:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if access is None and not _needs_boto3():
        endpoint = os.environ.get(_VARIABLE) or os.environ.get("AWS_ENDPOINT_URL")
        return _Way(region or "us-east-1", endpoint)
    import boto3  # half a second that keys in the environment save
    from botocore.exceptions import BotoCoreError

    try:
        if access is None:
            session = boto3.Session()
            return _Way(region or session.region_name or "us-east-1", _endpoint(session, os.environ), session)
        session = access.session
        # Whoever names a profile means its server, whatever the environment says of the lake's.
        endpoint = access.endpoint or _endpoint(session, {}) or _endpoint(session, os.environ)
        return _Way(session.region_name or region or "us-east-1", endpoint, session, access.unsigned)
    except BotoCoreError as error:
        raise _unfit(error) from None


def _unfit(error: Exception) -> StoreError:
    advice = "correct the name of the profile or the files below ~/.aws"
    return StoreError(f"the AWS settings do not fit together ({error}): {advice}")


def _needs_boto3() -> bool:
    """Unless everything stands in the environment, which obstore and polars read themselves."""
    config = Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    keys = os.environ.get("AWS_ACCESS_KEY_ID") and os.environ.get("AWS_SECRET_ACCESS_KEY")
    return not keys or "AWS_PROFILE" in os.environ or config.is_file()


def _endpoint(session: "boto3.Session", environment: Any) -> str | None:
    """The server that variables or the profile's configuration name, in the order that boto3 has; None for AWS's."""
    from botocore.configprovider import ConfiguredEndpointProvider

    known = session._session
    provider = ConfiguredEndpointProvider(
        full_config=known.full_config,
        scoped_config=known.get_scoped_config(),
        client_name="s3",
        environ=environment,
    )
    found = provider.provide()
    return str(found) if found else None


def _credentials(way: _Way) -> "Boto3CredentialProvider | None":
    if way.session is None or way.unsigned:
        return None
    from botocore.exceptions import BotoCoreError
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider(way.session)
    except (BotoCoreError, ValueError) as error:
        reason = "none found" if isinstance(error, ValueError) else error
        message = f"no AWS credentials ({reason}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        raise StoreError(message) from None


def _plain_http(way: _Way) -> bool:
    return (way.endpoint or "").startswith("http://")


def _config(way: _Way) -> dict[str, str]:
    return {"region": way.region} | ({"endpoint_url": way.endpoint} if way.endpoint else {})


def patiently(action: Callable[[], T]) -> T:
    """Do something, again where what went wrong may pass.

    There is a second attempt however late, since after a put whose answer was lost only that shows what became of it.
    """
    patience, began = PATIENCE, time.monotonic()
    first, longest = patience.first_pause.total_seconds(), patience.longest_pause.total_seconds()
    pause = first
    for attempt in range(patience.attempts + 1):
        try:
            return action()
        except (BaseError, OSError) as error:
            late = attempt > 0 and time.monotonic() - began >= patience.again.total_seconds()
            if attempt == patience.attempts or late or not may_pass(error):
                raise
        time.sleep(pause)
        pause = min(longest, random.uniform(first, pause * _GROWTH))  # noqa: S311 - writers that met shall part
    raise AssertionError
