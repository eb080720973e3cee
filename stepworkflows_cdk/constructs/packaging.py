"""The code of a step becomes the code of a function: a folder or a zip file -> what Lambda is given. Never with Docker.

A zip file is looked through and used as it is. A folder without dependencies is used as it is, without caches. Where only
their owner may read the files, or some are links, a copy is used that everybody may read: in Lambda the code belongs to
another user, https://docs.aws.amazon.com/lambda/latest/dg/python-package.html. For a folder that names dependencies (see
``requirements``) their wheels for the function's Python and processor are laid beside the sources, see ``wheels``.

What is uploaded is named by its content alone, so the same sources give the same template on every machine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stepworkflows_cdk.constructs.archives import read_zip, unpack
from stepworkflows_cdk.constructs.requirements import read_requirements
from stepworkflows_cdk.constructs.sources import CACHES, INSTEAD, Source, keeps_credentials, lay, read_sources, write
from stepworkflows_cdk.constructs.wheels import Target, WheelStore
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
    try:
        if code.is_dir():
            return _folder(code, target, store)
        if code.suffix == ".zip" and code.is_file():
            return _archive(code, store)
    except OSError as error:
        place = os.fsencode(error.filename).decode(errors="replace") if error.filename else str(code)
        raise PackagingError(
            f"{place}: {error.strerror or error}\n"
            "fix: check that it can be read, or written; STEPWORKFLOWS_CACHE names another folder for what is kept"
        ) from error
    raise PackagingError(
        f"{code}: neither a folder nor a .zip file\nfix: name the folder that the handler's file is in"
    )


def _archive(code: Path, store: WheelStore | None) -> Package:
    archive = read_zip(code)
    _check_size(code, archive.size)
    if archive.plain:
        return Package(code)
    store = store or WheelStore.of_user()
    staged = store.folder / "staged" / hashlib.sha256(code.read_bytes()).hexdigest()[:32]
    if not staged.is_dir():
        store.fill(staged, lambda new: unpack(code, new))
    return Package(staged, CACHES)


def _folder(code: Path, target: Target, store: WheelStore | None) -> Package:
    sources = read_sources(code)
    for source in sources:
        if keeps_credentials(source.name):
            raise PackagingError(f"{source.path}: a file for credentials would be uploaded with the code\n{INSTEAD}")
    _check_size(code, sum(source.size for source in sources))
    requirements = read_requirements(code)
    if requirements is None and all(source.plain for source in sources):
        return Package(code, CACHES)
    store = store or WheelStore.of_user()
    wheels = None if requirements is None else store.install(code, requirements, target)
    staged = store.folder / "staged" / _content(wheels.name if wheels else "", sources)
    if not staged.is_dir():
        store.fill(staged, lambda new: _stage(new, wheels, sources))
    _check_size(code, sum(path.stat().st_size for path in staged.rglob("*") if path.is_file()))
    return Package(staged, CACHES)


def _stage(new: Path, wheels: Path | None, sources: Iterable[Source]) -> None:
    """Sources stand over dependencies, as they do on the path of a local run."""
    new.mkdir()
    for source in read_sources(wheels) if wheels else ():
        lay(source, new)
    for source in sources:
        write(new / source.name, source.path.read_bytes(), executable=source.executable)


def _content(wheels: str, sources: Iterable[Source]) -> str:
    digest = hashlib.sha256(wheels.encode())
    for source in sources:
        digest.update(f"\0{source.name}\0{source.executable}\0".encode())
        digest.update(hashlib.sha256(source.path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _check_size(code: Path, size: int) -> None:
    if size > UNZIPPED_SIZE:
        raise PackagingError(
            f"{code}: {size:,} bytes unpacked, and a function takes {UNZIPPED_SIZE:,}\n"
            "fix: leave out what the step does not use, or divide the step, or make an `image` of it"
        )
