"""How a container of a public image comes to its code: the very program of the task definition, against S3 as moto has it."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

import stepworkflows_cdk.integrations.containers

BOOT = Path(stepworkflows_cdk.integrations.containers.__file__).parent / "runner" / "boot.py"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.parametrize("file", sorted(BOOT.parent.glob("*.py")), ids=lambda file: file.name)
def test_it_runs_on_every_python_that_a_step_can_ask_for(file: Path) -> None:
    assert ast.parse(file.read_text("utf-8"), feature_version=(3, 9))


@cache
def packed() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(
            "stepworkflows_runner.py",
            "import boto3, os\nprint(boto3.whose, *(os.environ[k] for k in ('STEPWORKFLOWS_CODE', 'STEPWORKFLOWS_HANDLER', 'HOME')))",
        )
        archive.writestr("boto3.py", "whose = 'the code has its own'\n")
        archive.writestr("handler.py", "")
        tool = zipfile.ZipInfo("bin/tool")
        tool.external_attr = 0o755 << 16
        archive.writestr(tool, "")
    return target.getvalue()


def booted(address: str, folder: Path, digest: str) -> subprocess.CompletedProcess[str]:
    s3 = boto3.client("s3", endpoint_url=address)
    if not s3.list_buckets()["Buckets"]:
        s3.create_bucket(Bucket="assets", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="assets", Key="a.zip", Body=packed())
    variables = {**os.environ, "HOME": "/", "AWS_ENDPOINT_URL": address, "TMPDIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", BOOT.read_text("utf-8"), "assets", "a.zip", digest, "handler.pack"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_hands_over_to_the_runner(address: str, tmp_path: Path) -> None:
    done = booted(address, tmp_path, hashlib.sha256(packed()).hexdigest())
    assert (done.returncode, done.stdout) == (0, f"the code has its own {tmp_path}/step handler.pack {tmp_path}\n"), (
        done.stderr
    )
    assert not os.access(tmp_path / "step" / "handler.py", os.X_OK)
    assert os.access(tmp_path / "step" / "bin" / "tool", os.X_OK)


def test_it_takes_nothing_but_what_was_packaged(address: str, tmp_path: Path) -> None:
    done = booted(address, tmp_path, "0" * 64)
    assert done.returncode == 1
    assert done.stderr == "s3://assets/a.zip is not what was packaged\n"
    assert not (tmp_path / "step").exists()
