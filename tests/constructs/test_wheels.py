import itertools
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stepworkflows_cdk.constructs.installers import find_installer, install_command
from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.wheels import Target, WheelStore
from stepworkflows_cdk.errors import PackagingError

ARM = Target("3.14", "arm64")
UV = ("uv", "pip")
PIP = (sys.executable, "-m", "pip")


class Installer:
    """Puts one package where the command says, and counts."""

    def __init__(self, *, fails_with: str = "") -> None:
        self.calls: list[list[str]] = []
        self.fails_with = fails_with

    def __call__(self, command, cwd):
        self.calls.append(list(command))
        folder = Path(command[command.index("--target") + 1])
        info = folder / "hello-1.0.dist-info"
        info.mkdir()
        (folder / "hello.py").write_text("def greet(): ...\n", encoding="utf-8")
        (info / "METADATA").write_text("Name: hello\n", encoding="utf-8")
        (info / "INSTALLER").write_text("somebody", encoding="utf-8")
        (info / "RECORD").write_text("../../bin/hello", encoding="utf-8")
        (folder / "bin").mkdir()
        (folder / "bin" / "hello").write_text("#!/home/someone/python\n", encoding="utf-8")
        return subprocess.CompletedProcess(command, 1 if self.fails_with else 0, "", self.fails_with)


@pytest.fixture
def installer():
    return Installer()


@pytest.fixture
def store(tmp_path, installer):
    return WheelStore(tmp_path / "cache", run=installer, installer=lambda: UV)


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_dependencies_stand_beside_the_sources(code, store):
    (code / "requirements.txt").write_text("hello==1.0\n", encoding="utf-8")
    packed = package(code, ARM, store)
    assert files(packed.path) == {"handler.py", "requirements.txt", "hello.py", "hello-1.0.dist-info/METADATA"}


def test_the_folders_own_file_wins_over_a_dependencys(code, store):
    (code / "requirements.txt").write_text("hello==1.0\n", encoding="utf-8")
    (code / "hello.py").write_text("mine = 1\n", encoding="utf-8")
    assert (package(code, ARM, store).path / "hello.py").read_text(encoding="utf-8") == "mine = 1\n"


def test_dependencies_may_stand_in_pyproject(code, store, installer):
    project = '[project]\nname = "charge"\ndependencies = ["hello==1.0", "other>=2"]\n'
    (code / "pyproject.toml").write_text(project, encoding="utf-8")
    assert "hello.py" in files(package(code, ARM, store).path)
    assert len(installer.calls) == 1


def test_what_was_installed_is_used_again_until_something_that_counts_changes(code, store, installer):
    requirements = code / "requirements.txt"
    requirements.write_text("hello==1.0\n-r more.txt\n", encoding="utf-8")
    (code / "more.txt").write_text("other==1.0\n", encoding="utf-8")
    first = package(code, ARM, store)
    assert package(code, ARM, store) == first
    (code / "handler.py").write_text("changed = 1\n", encoding="utf-8")
    assert package(code, ARM, store).path != first.path
    assert len(installer.calls) == 1
    package(code, Target("3.14", "x86_64"), store)
    package(code, Target("3.13", "arm64"), store)
    (code / "more.txt").write_text("other==2.0\n", encoding="utf-8")
    package(code, ARM, store)
    assert len(installer.calls) == 4


def test_the_installers_last_words_are_in_the_error(code, tmp_path):
    (code / "requirements.txt").write_text("numpy==0.1\n", encoding="utf-8")
    failing = Installer(fails_with="resolving\nno wheel of numpy 0.1 for this platform\n")
    store = WheelStore(tmp_path / "cache", run=failing, installer=lambda: UV)
    with pytest.raises(PackagingError) as error:
        package(code, ARM, store)
    assert str(code) in str(error.value)
    assert "Python 3.14 on arm64; uv says:" in str(error.value)
    assert "    no wheel of numpy 0.1 for this platform" in str(error.value)
    assert "fix:" in str(error.value)
    assert not any((tmp_path / "cache" / "wheels").iterdir())  # nothing half made is found by the next run


def test_packagings_at_the_same_time_make_one_package(code, store, installer):
    (code / "requirements.txt").write_text("hello==1.0\n", encoding="utf-8")
    meet = threading.Barrier(4)

    def slow(command, cwd):
        meet.wait(10)  # until all of them are at work
        return installer(command, cwd)

    together = WheelStore(store.folder, run=slow, installer=lambda: UV)
    with ThreadPoolExecutor(4) as pool:
        packed = list(pool.map(lambda _: package(code, ARM, together), range(4)))
    assert len(set(packed)) == 1
    assert len(installer.calls) == 4
    assert files(packed[0].path) == {"handler.py", "requirements.txt", "hello.py", "hello-1.0.dist-info/METADATA"}
    assert [path.name for path in (store.folder / "wheels").iterdir() if path.name.startswith(".new-")] == []


def test_dependencies_take_their_place_once(code, store):
    """However often the sources change."""
    (code / "requirements.txt").write_text("hello==1.0\n", encoding="utf-8")
    first = package(code, ARM, store).path / "hello.py"
    (code / "handler.py").write_text("changed = 1\n", encoding="utf-8")
    second = package(code, ARM, store).path / "hello.py"
    assert first != second
    assert first.samefile(second)


def test_sources_over_dependencies_leave_these_as_they_are(code, store):
    (code / "requirements.txt").write_text("hello==1.0\n", encoding="utf-8")
    plain = package(code, ARM, store).path / "hello.py"
    (code / "hello.py").write_text("mine = 1\n", encoding="utf-8")
    assert (package(code, ARM, store).path / "hello.py").read_text(encoding="utf-8") == "mine = 1\n"
    assert plain.read_text(encoding="utf-8") == "def greet(): ...\n"


def test_no_installer_is_an_error_with_its_fix(code, tmp_path):
    (code / "requirements.txt").write_text("hello\n", encoding="utf-8")
    with pytest.raises(PackagingError, match="needs uv or pip"):
        package(code, ARM, WheelStore(tmp_path / "cache", installer=lambda: None))


@pytest.mark.parametrize(
    ("line", "message"),
    [("-e ../shop", "an editable package stays on this machine"), ("-r missing.txt", "there is no such file")],
)
def test_lines_that_cannot_work_are_refused_before_anything_is_installed(code, store, installer, line, message):
    (code / "requirements.txt").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(PackagingError, match=message):
        package(code, ARM, store)
    assert installer.calls == []


@pytest.mark.parametrize(
    ("target", "platform"),
    [
        (Target("3.14", "arm64"), "aarch64-manylinux_2_28"),
        (Target("3.12", "x86_64"), "x86_64-manylinux_2_28"),
        (Target("3.11", "arm64"), "aarch64-manylinux2014"),
    ],
)
def test_uv_is_asked_for_wheels_of_the_functions_platform(target, platform):
    command = install_command(UV, Path("requirements.txt"), Path("out"), target)
    assert command[:3] == ["uv", "pip", "install"]
    assert command[command.index("--python-platform") + 1] == platform
    assert command[command.index("--python-version") + 1] == target.python
    assert command[command.index("--only-binary") + 1] == ":all:"


def test_pip_is_given_every_platform_that_the_runtime_can_load():
    command = install_command(PIP, Path("requirements.txt"), Path("out"), ARM)
    platforms = [after for word, after in itertools.pairwise(command) if word == "--platform"]
    assert platforms[0] == "manylinux_2_28_aarch64"
    assert {"manylinux_2_17_aarch64", "manylinux2014_aarch64"} < set(platforms)
    assert all("2_35" not in platform for platform in platforms)


def test_the_cache_is_the_users_own(tmp_path):
    assert WheelStore.of_user({"STEPWORKFLOWS_CACHE": str(tmp_path)}).folder == tmp_path
    assert WheelStore.of_user({"XDG_CACHE_HOME": str(tmp_path)}).folder == tmp_path / "stepworkflows-cdk"


@pytest.mark.parametrize("installer", [find_installer(), PIP], ids=["found", "pip"])
def test_a_wheel_is_really_installed(code, tmp_path, installer):
    """With a wheel made here, so without a network."""
    name = "hello-1.0-py3-none-any.whl"
    with zipfile.ZipFile(code / name, "w") as wheel:
        wheel.writestr("hello.py", "greeting = 'hello'\n")
        wheel.writestr("hello-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n")
        wheel.writestr("hello-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("hello-1.0.dist-info/RECORD", "")
    (code / "requirements.txt").write_text("--no-index\n--find-links .\nhello==1.0\n", encoding="utf-8")
    packed = package(code, ARM, WheelStore(tmp_path / "cache", installer=lambda: installer))
    assert files(packed.path) == {
        "handler.py",
        "requirements.txt",
        name,
        "hello.py",
        "hello-1.0.dist-info/METADATA",
        "hello-1.0.dist-info/WHEEL",
    }
