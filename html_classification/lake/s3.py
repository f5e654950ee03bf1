"""How S3 is reached: endpoint, region, credentials, patience.

Belongs here: turning the standard AWS settings into what obstore and polars take. Does not belong here: what
is read or written (`store`).

The standard settings are `AWS_*` variables, the shared files below `~/.aws` with their profiles, and what a
container or machine is given. Keys in the environment are left to obstore and polars, which read them
themselves; everything else is found by boto3, which knows all of it. Nothing here holds or shows a secret.
"""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from obstore.store import S3Store

from html_classification.lake.errors import StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

#: What can pass by itself (500, 503 SlowDown, a lost connection) is tried again for about this long.
RETRIES: "RetryConfig" = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=8), "base": 2},
}
_CONNECT = timedelta(seconds=5)
#: Longer than obstore's 30 seconds: a large day over a slow line is one request.
_REQUEST = timedelta(seconds=120)


def open_s3(uri: str) -> S3Store:
    """The store behind `s3://bucket/prefix`.

    Raises:
        StoreError: There are no credentials anywhere.
    """
    options: ClientConfig = {"allow_http": _plain_http(), "connect_timeout": _CONNECT, "timeout": _REQUEST}
    return S3Store.from_url(
        uri,
        config=_config(),  # type: ignore[arg-type]
        client_options=options,
        retry_config=RETRIES,
        credential_provider=_credentials(),
    )


def polars_options() -> dict[str, Any]:
    """`storage_options` of polars for the same place; it finds credentials as `open_s3` does."""
    return {f"aws_{key}": value for key, value in _config().items()} | {"aws_allow_http": str(_plain_http()).lower()}


def _credentials() -> Any:
    """boto3's, or None where the keys stand in the environment, which obstore reads itself."""
    if "AWS_ACCESS_KEY_ID" in os.environ and "AWS_PROFILE" not in os.environ:
        return None
    import boto3  # half a second that keys in the environment save
    from botocore.exceptions import BotoCoreError
    from obstore.auth.boto3 import Boto3CredentialProvider

    advice = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    try:
        return Boto3CredentialProvider(boto3.Session())
    except (BotoCoreError, ValueError) as error:
        message = f"no AWS credentials ({error}): {advice}"
        raise StoreError(message) from None


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _plain_http() -> bool:
    return (_endpoint() or "").startswith("http://")


def _config() -> dict[str, str]:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = _endpoint()
    return {"region": region} | ({"endpoint_url": endpoint} if endpoint else {})
