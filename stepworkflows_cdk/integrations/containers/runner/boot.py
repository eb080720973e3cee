"""Runs as ``python3 -c`` in a container of a public image: fetches the step's code and this library's runner, one zip file
in S3, and hands over to the runner.

The zip is taken only if it is the very one that was packaged: its SHA-256 came with the task definition.
"""

from __future__ import annotations

import hashlib
import io
import os
import runpy
import stat
import sys
import tempfile
import zipfile

FOLDER = os.path.join(tempfile.gettempdir(), "step")


def main() -> None:
    # Where Lambda's images keep boto3, as far as it is not among the installed packages.
    sys.path.append("/var/runtime")
    import boto3

    bucket, key = os.environ["STEPWORKFLOWS_BUCKET"], os.environ["STEPWORKFLOWS_OBJECT"]
    packed = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    if hashlib.sha256(packed).hexdigest() != os.environ["STEPWORKFLOWS_SHA256"]:
        raise SystemExit(f"s3://{bucket}/{key} is not what was packaged")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for entry in archive.infolist():
            file = archive.extract(entry, FOLDER)
            if entry.external_attr >> 16 & stat.S_IXUSR:
                os.chmod(file, 0o755)
    os.environ["STEPWORKFLOWS_CODE"] = FOLDER
    runpy.run_path(os.path.join(FOLDER, "stepworkflows_runner.py"), run_name="__main__")


if __name__ == "__main__":
    main()
