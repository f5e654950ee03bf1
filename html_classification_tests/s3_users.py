"""Identities of the S3 server besides its administrator.

Belongs here: users with keys and rights of their own. Does not belong here: starting the server (`s3_server`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import boto3


def client(server: Mapping[str, str], service: str, keys: Mapping[str, str] | None = None) -> Any:
    """A boto3 client of a server, as its administrator or with other keys."""
    keys = keys or server
    return boto3.client(
        service,
        endpoint_url=server["AWS_ENDPOINT_URL_S3"],
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )


def new_user(server: Mapping[str, str], name: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, str]:
    """The keys of a new user who may do these actions with these resources, and nothing else."""
    iam = client(server, "iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    allowed = [{"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_user_policy(UserName=name, PolicyName="tests", PolicyDocument=policy)
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def profile(name: str, keys: Mapping[str, str]) -> str:
    """A section of a shared credentials file."""
    known = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    lines = [f"{variable.lower()} = {keys[variable]}" for variable in known if variable in keys]
    return "\n".join([f"[{name}]", *lines, ""])
