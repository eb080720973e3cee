import contextlib
import os
import stat
import warnings
import zipfile

import pytest

from stepworkflows_cdk.constructs import packaging
from stepworkflows_cdk.constructs.packaging import package
from stepworkflows_cdk.constructs.wheels import Target, WheelStore
from stepworkflows_cdk.errors import PackagingError

ARM = Target("3.14", "arm64")


@pytest.fixture
def store(tmp_path):
    return WheelStore(tmp_path / "cache", installer=lambda: None)


@pytest.fixture
def zipped(tmp_path):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry("handler.py", 0o644), "def handler(event, context):\n    return event\n")
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
    for cache in ("__pycache__/handler.cpython-314.pyc", ".venv/lib/big.py", ".git/objects/ab"):
        (code / cache).parent.mkdir(parents=True)
        (code / cache).write_bytes(b"x" * 1000)
    monkeypatch.setattr(packaging, "UNZIPPED_SIZE", size)
    assert package(code, ARM).path == code


def contents(folder):
    """File -> all of it that a zip made of the folder would hold."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_files_that_only_their_owner_may_read_are_packaged_for_all(code, store):
    (code / "handler.py").chmod(0o600)
    (code / "run.sh").write_text("echo\n", encoding="utf-8")
    (code / "run.sh").chmod(0o700)
    packed = package(code, ARM, store)
    modes = {name: oct(mode & 0o777) for name, (_, mode, _) in contents(packed.path).items()}
    assert modes == {"handler.py": "0o644", "run.sh": "0o755"}
    assert (code / "handler.py").stat().st_mode & 0o777 == 0o600


def test_a_zip_that_only_its_owner_may_read_is_packaged_for_all(tmp_path, store):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.mkdir("shop")
        archive.writestr("shop/handler.py", "x = 1\n")  # as zipfile writes it: for the owner alone
        archive.writestr(entry("run", 0o700), "echo\n")
    packed = package(file, ARM, store)
    modes = {name: oct(mode & 0o777) for name, (_, mode, _) in contents(packed.path).items()}
    assert modes == {"shop/handler.py": "0o644", "run": "0o755"}


def test_two_packagings_are_equal_to_the_last_bit(code, tmp_path):
    (code / "handler.py").chmod(0o600)
    (code / "größe").mkdir()
    (code / "größe" / "東京.txt").write_text("x", encoding="utf-8")
    first = package(code, ARM, WheelStore(tmp_path / "first"))
    (code / "handler.py").touch()
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "handler.cpython-314.pyc").write_bytes(b"x")
    second = package(code, ARM, WheelStore(tmp_path / "second"))
    assert first.path.name == second.path.name
    assert contents(first.path) == contents(second.path)
    assert set(contents(first.path)) == {"handler.py", "größe/東京.txt"}


def test_a_link_to_a_file_of_the_folder_becomes_that_file(code, store):
    (code / "other.py").symlink_to("handler.py")
    packed = package(code, ARM, store)
    assert not (packed.path / "other.py").is_symlink()
    assert (packed.path / "other.py").read_bytes() == (code / "handler.py").read_bytes()


def test_a_link_out_of_the_folder_is_refused(code, tmp_path):
    (tmp_path / "elsewhere.py").write_text("x = 1\n", encoding="utf-8")
    (code / "shared.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(PackagingError, match="a link that leads out of the folder"):
        package(code, ARM)


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("../shared", "a link that leads out of the folder"),
        ("lib", "a link to a folder"),
        (".", "a link to a folder"),
        ("gone.py", "a link that leads nowhere"),
        ("shared", "a link that leads nowhere"),
    ],
    ids=["a folder outside", "a folder inside", "a loop of folders", "nothing", "itself"],
)
def test_other_links_are_refused(code, tmp_path, target, fault):
    (tmp_path / "shared").mkdir()
    (code / "lib").mkdir()
    (code / "shared").symlink_to(target)
    with pytest.raises(PackagingError, match=fault) as error:
        package(code, ARM)
    assert str(code / "shared") in str(error.value)


def test_what_is_no_file_is_refused(code):
    os.mkfifo(code / "pipe")
    with pytest.raises(PackagingError, match="pipe: neither a file nor a folder"):
        package(code, ARM)


def test_a_name_that_is_no_text_is_refused(code):
    with open(os.fsencode(code) + b"/caf\xe9.py", "wb"):
        pass
    with pytest.raises(PackagingError, match="the name is no text in UTF-8") as error:
        package(code, ARM)
    str(error.value).encode()  # it can be printed


def test_a_cache_that_cannot_be_written_is_named(code, tmp_path):
    (code / "handler.py").chmod(0o600)
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    with pytest.raises(PackagingError, match=r"cache.*\n.*STEPWORKFLOWS_CACHE"):
        package(code, ARM, WheelStore(tmp_path / "cache"))


def test_a_zip_whose_packages_are_not_in_it(tmp_path):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry("handler.py", 0o644), "x = 1\n")
        archive.writestr(entry("requirements.txt", 0o644), "# none\nrequests==2.32\n")
    with pytest.raises(PackagingError, match=r"charge\.zip: its requirements\.txt names packages that are not in it"):
        package(file, ARM)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(entry("requests-2.32.dist-info/METADATA", 0o644), "Name: requests\n")
    assert package(file, ARM).path == file


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_lambda_does_not_unpack(tmp_path, method):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w", compression=method) as archive:
        archive.writestr("handler.py", "x = 1\n")
    with pytest.raises(PackagingError, match=r"'handler\.py' is compressed in a way that Lambda does not unpack"):
        package(file, ARM)


def test_a_zip_with_a_file_twice(tmp_path):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("handler.py", "x = 1\n")
        archive.writestr("handler.py", "x = 2\n")
    with pytest.raises(PackagingError, match=r"'handler\.py' stands in it twice"):
        package(file, ARM)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_no_damage_to_a_zip_ends_in_a_traceback(tmp_path, compression, store):
    file = tmp_path / "charge.zip"
    with zipfile.ZipFile(file, "w", compression=compression) as archive:
        archive.writestr(entry("handler.py", 0o644), "def handler(event, context):\n    return event\n" * 3)
        archive.writestr(entry("größe.txt", 0o644), "x" * 50)
    whole = file.read_bytes()
    for place in range(len(whole)):
        for damaged in (whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :], whole[:place]):
            file.write_bytes(damaged)
            with contextlib.suppress(PackagingError):
                package(file, ARM, store)


def test_pyproject_that_is_not_toml(code):
    (code / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    with pytest.raises(PackagingError, match=r"pyproject\.toml: not valid TOML"):
        package(code, ARM)


@pytest.mark.parametrize("name", [".env", "config/.env", ".env.prod", ".netrc", ".aws/credentials"])
def test_a_file_for_credentials_is_not_uploaded(code, tmp_path, name):
    file = code / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("KEY=canary", encoding="utf-8")
    with pytest.raises(
        PackagingError, match="a file for credentials would be uploaded with the code\nfix: move"
    ) as refused:
        package(code, ARM)
    assert "canary" not in str(refused.value)
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.write(file, name)
    with pytest.raises(PackagingError, match=f"'{name}' is a file for credentials"):
        package(archive, ARM)


@pytest.mark.parametrize("name", [".env.example", "credentials", "environment.py", "env"])
def test_other_files_are_uploaded(code, name):
    (code / name).write_text("KEY=", encoding="utf-8")
    assert package(code, ARM).path == code
