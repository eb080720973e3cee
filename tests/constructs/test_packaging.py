import stat
import zipfile

import pytest

from stepworkflows_cdk.constructs import packaging
from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.wheels import Target
from stepworkflows_cdk.errors import PackagingError

ARM = Target("3.14", "arm64")


@pytest.fixture
def zipped(tmp_path):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context):\n    return event\n")
    return file


def test_a_plain_folder_is_used_as_it_is_without_caches(code):
    packed = package(code, ARM)
    assert packed.path == code
    assert "__pycache__" in packed.exclude


def test_a_requirements_file_without_requirements_installs_nothing(code):
    (code / "requirements.txt").write_text("# none yet\n\n", encoding="utf-8")
    assert package(code, ARM).path == code


def test_a_zip_file_is_used_as_it_is(zipped):
    assert package(zipped, ARM).path == zipped


def entry(name, mode=0):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("info", "fault"),
    [
        (entry("/etc/passwd"), "has an absolute name"),
        (entry("C:\\windows\\x.py"), "has an absolute name"),
        (entry("../handler.py"), "climbs out"),
        (entry("a/../../handler.py"), "climbs out"),
        (entry("a\\..\\..\\handler.py"), "climbs out"),
        (entry("handler.py", stat.S_IFLNK | 0o777), "is a link"),
    ],
)
def test_entries_that_leave_the_package_are_refused_by_name(tmp_path, info, fault):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, "x")
    with pytest.raises(PackagingError, match=fault) as error:
        package(file, ARM)
    assert str(file) in str(error.value)
    assert "fix:" in str(error.value)


def test_a_broken_zip_file(tmp_path):
    file = tmp_path / "charge.zip"
    file.write_bytes(b"PK but not a zip")
    with pytest.raises(PackagingError, match=r"charge\.zip: not a zip file that can be read"):
        package(file, ARM)


def test_a_zip_file_with_a_flipped_bit(zipped):
    content = bytearray(zipped.read_bytes())
    content[content.index(b"return event")] ^= 1
    zipped.write_bytes(content)
    with pytest.raises(PackagingError, match=r"'handler\.py' is broken"):
        package(zipped, ARM)


def test_an_empty_zip_file(tmp_path):
    file = tmp_path / "charge.zip"
    zipfile.ZipFile(file, "w").close()
    with pytest.raises(PackagingError, match="empty"):
        package(file, ARM)


def test_code_that_is_not_there(tmp_path):
    with pytest.raises(PackagingError, match=r"neither a folder nor a \.zip file"):
        package(tmp_path / "nowhere", ARM)


def test_code_that_is_too_large_for_a_function(code, monkeypatch):
    monkeypatch.setattr(packaging, "UNZIPPED_SIZE", 10)
    with pytest.raises(PackagingError, match="bytes unpacked, and a function takes 10"):
        package(code, ARM)


def test_caches_do_not_count(code, monkeypatch):
    size = sum(path.stat().st_size for path in code.iterdir())
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "handler.cpython-314.pyc").write_bytes(b"x" * 1000)
    monkeypatch.setattr(packaging, "UNZIPPED_SIZE", size)
    assert package(code, ARM).path == code


def test_a_link_out_of_the_folder_is_refused(code, tmp_path):
    (tmp_path / "elsewhere.py").write_text("x = 1\n", encoding="utf-8")
    (code / "shared.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(PackagingError, match="a link that leads out of the folder"):
        package(code, ARM)


def test_pyproject_that_is_not_toml(code):
    (code / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    with pytest.raises(PackagingError, match=r"pyproject\.toml: not valid TOML"):
        package(code, ARM)
