"""What a container fetches: one zip file, the same for the same files, whoever packs them and when."""

import os
import zipfile

import pytest

from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.wheels import Target, WheelStore
from stepworkflows_cdk.constructs.zipped import zipped

TARGET = Target("3.14", "arm64")


@pytest.fixture
def runner(tmp_path):
    file = tmp_path / "runner.py"
    file.write_text("runs")
    return {"stepworkflows_runner.py": file}


def made(code, runner, store):
    return zipped(package(code, TARGET, WheelStore(store)), runner, WheelStore(store))


def test_a_folder_and_its_zip_become_the_same(tmp_path, runner):
    code = tmp_path / "code"
    (code / "bin").mkdir(parents=True)
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "handler.pyc").write_text("old")
    (code / "handler.py").write_text("handles")
    (code / "bin" / "tool").write_text("works")
    (code / "bin" / "tool").chmod(0o755)
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        for name in ("handler.py", "bin/tool"):
            archive.write(code / name, name)
    folder = made(code, runner, tmp_path / "a").read_bytes()
    os.utime(code / "handler.py", (1, 1))
    assert made(code, runner, tmp_path / "b").read_bytes() == folder
    assert made(tmp_path / "code.zip", runner, tmp_path / "c").read_bytes() == folder
    with zipfile.ZipFile(made(code, runner, tmp_path / "a")) as archive:
        modes = {entry.filename: oct(entry.external_attr >> 16) for entry in archive.infolist()}
    assert modes == {"bin/tool": "0o755", "handler.py": "0o644", "stepworkflows_runner.py": "0o644"}


def test_another_runner_is_another_file(tmp_path, runner):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "handler.py").write_text("handles")
    before = made(tmp_path / "code", runner, tmp_path / "store")
    runner["stepworkflows_runner.py"].write_text("runs better")
    assert made(tmp_path / "code", runner, tmp_path / "store") != before
