"""The code of a step becomes the code of a function: a folder or a zip file -> what Lambda is given. Never with Docker.

A zip file is looked through and used as it is. A folder without dependencies is used as it is, without caches. For a
folder that names dependencies (``requirements.txt``, else ``[project] dependencies`` of ``pyproject.toml``) their
wheels for the function's Python and processor are laid beside the sources, see ``wheels``.

What is uploaded is named by its content alone, so the same sources give the same template on every machine.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from stepworkflows_cdk.constructs.wheels import CACHES, Target, WheelStore
from stepworkflows_cdk.errors import PackagingError

__all__ = ["Package", "package"]

UNZIPPED_SIZE = 250 * 1024 * 1024
"""Bytes of a function with its layers. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


@dataclass(frozen=True)
class Package:
    """What is uploaded: ``path``, a zip file, or a folder without what matches ``exclude`` (Git's patterns)."""

    path: Path
    exclude: tuple[str, ...] = ()


def package(code: Path, target: Target, store: WheelStore | None = None) -> Package:
    """Makes ready the code of one function.

    ``store`` is where wheels are installed and kept; default: the user's cache folder. Code that is not there, cannot
    be used or has dependencies without a wheel is a :class:`PackagingError` that names the file and the fix.
    """
    if code.is_dir():
        return _folder(code, target, store)
    if code.suffix == ".zip" and code.is_file():
        _check_zip(code)
        return Package(code)
    raise PackagingError(
        f"{code}: neither a folder nor a .zip file\nfix: name the folder that the handler's file is in"
    )


def _folder(code: Path, target: Target, store: WheelStore | None) -> Package:
    _check_size(code, sum(path.stat().st_size for path in _sources(code)))
    requirements = _requirements(code)
    if not requirements:
        return Package(code, CACHES)
    store = store or WheelStore.of_user()
    wheels = store.install(code, requirements, target)
    staged = store.folder / "staged" / _content(wheels.name, code)
    if not staged.is_dir():
        store.fill(staged, lambda new: _stage(new, wheels, code))
    _check_size(code, sum(path.stat().st_size for path in staged.rglob("*") if path.is_file()))
    return Package(staged)


def _requirements(code: Path) -> str:
    """What the folder asks for, as lines of a requirements file; empty where it asks for nothing."""
    written = code / "requirements.txt"
    if written.is_file():
        text = written.read_text(encoding="utf-8")
        return text if any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()) else ""
    project = code / "pyproject.toml"
    if not project.is_file():
        return ""
    try:
        dependencies = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {}).get("dependencies", [])
    except tomllib.TOMLDecodeError as error:
        raise PackagingError(f"{project}: not valid TOML: {error}") from error
    return "".join(f"{dependency}\n" for dependency in dependencies)


def _stage(new: Path, wheels: Path, code: Path) -> None:
    """Sources stand over dependencies, as they do on the path of a local run."""
    shutil.copytree(wheels, new)
    for source in _sources(code):
        copy = new / source.relative_to(code)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def _content(wheels: str, code: Path) -> str:
    digest = hashlib.sha256(wheels.encode())
    for source in _sources(code):
        digest.update(f"\0{source.relative_to(code).as_posix()}\0".encode())
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _sources(code: Path) -> Iterator[Path]:
    """The files of a folder without caches, sorted."""
    for path in sorted(code.rglob("*")):
        inside = path.relative_to(code)
        if path.is_file() and not any(PurePosixPath(part).match(cache) for part in inside.parts for cache in CACHES):
            if not path.resolve().is_relative_to(code.resolve()):
                raise PackagingError(f"{path}: a link that leads out of the folder\nfix: copy the file into the folder")
            yield path


def _check_zip(file: Path) -> None:
    """Refuses what Lambda would refuse or unpack wrongly."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            for entry in entries:
                if fault := _fault(entry):
                    raise PackagingError(
                        f"{file}: {entry.filename!r} {fault}\nfix: zip the files anew from their folder"
                    )
            _check_size(file, sum(entry.file_size for entry in entries))
            broken = archive.testzip()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise PackagingError(f"{file}: not a zip file that can be read: {error}\nfix: make it anew") from error
    if broken is not None:
        raise PackagingError(f"{file}: {broken!r} is broken: its checksum does not hold\nfix: make the zip file anew")
    if not entries:
        raise PackagingError(f"{file}: the zip file is empty\nfix: zip the files of the step's folder")


def _fault(entry: zipfile.ZipInfo) -> str | None:
    # zipfile has turned the machine's separator into "/" already; other tools leave backslashes in.
    name = entry.filename
    if name.startswith("/") or PureWindowsPath(name).drive or PureWindowsPath(name).root:
        return "has an absolute name"
    if ".." in PureWindowsPath(name).parts:
        return "climbs out of the folder that it is unpacked to"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    return None


def _check_size(code: Path, size: int) -> None:
    if size > UNZIPPED_SIZE:
        raise PackagingError(
            f"{code}: {size:,} bytes unpacked, and a function takes {UNZIPPED_SIZE:,}\n"
            "fix: leave out what the step does not use, or divide the step"
        )
