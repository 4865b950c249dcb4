"""The S3 server: one bucket, an account that writes, and a read-only account for the pods.

Run as a program inside the node, this module makes the bucket and the pods' account.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.node.access import Secrets
from tools.node.component import Api, Component
from tools.node.layout import INSIDE, Layout
from tools.node.plan import S3_PORT, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.node.access import S3Account

BUCKET = "models"
REGION = "us-east-1"


def storage(plan: Plan, secrets: Secrets) -> Sequence[Component]:
    """Return the S3 server, and its set-up, which runs once."""
    inside = Layout(INSIDE)
    admin = secrets.s3_admin
    return (
        Component(
            "versitygw",
            (
                *(plan.programs["versitygw"], f"--port={plan.address}:{S3_PORT}", f"--region={REGION}"),
                *("--keep-alive", "--quiet", "--health=/health", f"--iam-dir={inside.data('iam')}"),
                *("posix", inside.data("s3")),
            ),
            ready=Api(plan.address, S3_PORT).answers("/health"),
            environment={"ROOT_ACCESS_KEY_ID": admin.access_key, "ROOT_SECRET_ACCESS_KEY": admin.secret_key},
        ),
        Component("bucket", (Path(sys.executable), "-m", "tools.node.storage"), after=("versitygw",)),
    )


def set_up(plan: Plan, secrets: Secrets) -> None:
    """Make the bucket and the reader if they do not exist, and set the reader's policy."""
    import boto3

    _ensure_reader(plan, secrets)
    client = boto3.client(
        "s3",
        endpoint_url=plan.s3_endpoint,
        region_name=REGION,
        aws_access_key_id=secrets.s3_admin.access_key,
        aws_secret_access_key=secrets.s3_admin.secret_key,
    )
    if BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(_policy(secrets.s3_reader)))


def _policy(reader: S3Account) -> dict[str, object]:
    """Return a policy that allows getting objects and nothing else, not even listing them."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [reader.access_key]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/*"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _ensure_reader(plan: Plan, secrets: Secrets) -> None:
    reader = secrets.s3_reader
    if reader.access_key not in _admin(plan, secrets.s3_admin, "list-users"):
        options = (f"--access={reader.access_key}", f"--secret={reader.secret_key}", "--role=user")
        _admin(plan, secrets.s3_admin, "create-user", *options)


def _admin(plan: Plan, admin: S3Account, *command: str) -> str:
    environment: Mapping[str, str] = {
        "ADMIN_ENDPOINT_URL": plan.s3_endpoint,
        "ADMIN_ACCESS_KEY_ID": admin.access_key,
        "ADMIN_SECRET_ACCESS_KEY": admin.secret_key,
    }
    program = plan.programs["versitygw"]
    done = subprocess.run(
        [program, "admin", *command], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    set_up(Plan.read(Layout(INSIDE).plan), Secrets.read(Layout(INSIDE)))
