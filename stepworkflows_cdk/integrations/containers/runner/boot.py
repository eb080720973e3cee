"""Runs as ``python3 -c`` in a container of a public image: fetches the step's code and this library's runner, one zip file
in S3, and hands over to the runner. Its arguments are the zip's bucket, key and SHA-256, and the handler.

The zip is taken only if it is the very one that was packaged.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import tempfile
import zipfile

RUNTIME = "/var/runtime"
"""Where Lambda's images keep boto3, as far as it is not among the installed packages."""
FOLDER = os.path.join(tempfile.gettempdir(), "step")


def main() -> None:
    sys.path.append(RUNTIME)
    import boto3

    bucket, key, digest, handler = sys.argv[1:]
    packed = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    if hashlib.sha256(packed).hexdigest() != digest:
        raise SystemExit(f"s3://{bucket}/{key} is not what was packaged")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        for entry in archive.infolist():
            file = archive.extract(entry, FOLDER)
            if entry.external_attr >> 16 & stat.S_IXUSR:
                os.chmod(file, 0o755)
    os.environ["STEPWORKFLOWS_CODE"], os.environ["STEPWORKFLOWS_HANDLER"] = FOLDER, handler
    if os.environ.get("HOME", "/") == "/":  # which the user of the container cannot write to
        os.environ["HOME"] = tempfile.gettempdir()
    # A new program in this process: so it is a boto3 in the zip that the code gets, if there is one, and not the image's.
    os.environ["PYTHONPATH"] = RUNTIME
    os.execv(sys.executable, [sys.executable, "-u", os.path.join(FOLDER, "stepworkflows_runner.py")])


if __name__ == "__main__":
    main()
