"""The files of a step's folder that belong into its package: in one order, without caches, links read.

What could not be packaged alike on each machine is refused: links out of the folder or to folders, devices, names that
are no text.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from stepworkflows_cdk.errors import PackagingError

__all__ = ["CACHES", "INSTEAD", "Source", "keeps_credentials", "lay", "read_sources", "settle", "write"]

CACHES = (
    "__pycache__",
    "*.pyc",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".DS_Store",
    ".git",
    ".hg",
    ".svn",
    ".venv",
    ".tox",
    ".nox",
    "cdk.out",
)
"""Files and folders that are never part of a package, as Git's patterns. The last is what a synth beside the code makes."""

INSTEAD = "fix: move it out of the folder; code gets variables by `env`, and values to hide by `secrets`"
_CREDENTIALS = (".env", ".env.*", ".netrc", ".pypirc", ".aws/credentials")
_EXAMPLES = ("*.example", "*.sample", "*.template")

_TIME = 315_532_800
"""Seconds: the begin of 1980, the earliest time that a zip can hold."""


@dataclass(frozen=True)
class Source:
    """One file. ``name`` is its path in the package; ``plain`` says that it is no link, and everybody may read it: only
    then does the very file run in Lambda, where the code belongs to another user.
    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
    """

    name: str
    path: Path
    executable: bool
    plain: bool

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def read_sources(folder: Path) -> tuple[Source, ...]:
    """The files, sorted folder by folder."""
    return tuple(_walk(folder, folder.resolve(), ""))


def keeps_credentials(name: str) -> bool:
    """Whether a file, by its path in the package, is one in which tools of a laptop keep credentials."""
    path = PurePosixPath(name)
    return any(map(path.match, _CREDENTIALS)) and not any(map(path.match, _EXAMPLES))


def write(target: Path, content: bytes, *, executable: bool) -> None:
    """A file that is the same whoever writes it and when, over one that is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(content)
    settle(target, executable=executable)


def settle(file: Path, *, executable: bool) -> None:
    """Everybody may read the file, and its time tells nothing."""
    file.chmod(0o755 if executable else 0o644)
    os.utime(file, (_TIME, _TIME))


def lay(source: Source, folder: Path) -> None:
    """A settled file into another folder, without a copy of its content where the file system can do that."""
    target = folder / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.path, target)
    except OSError:
        write(target, source.path.read_bytes(), executable=source.executable)


def _walk(folder: Path, root: Path, inside: str) -> Iterator[Source]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if any(fnmatchcase(entry.name, cache) for cache in CACHES):
            continue
        path = Path(entry.path)
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(path).decode(errors="replace")
            raise PackagingError(f"{shown}: the name is no text in UTF-8\nfix: rename it") from None
        if entry.is_symlink():
            yield _linked(path, root, f"{inside}{entry.name}")
        elif entry.is_dir():
            yield from _walk(path, root, f"{inside}{entry.name}/")
        elif entry.is_file():
            mode = entry.stat().st_mode
            readable = os.name == "nt" or bool(mode & stat.S_IROTH)
            yield Source(f"{inside}{entry.name}", path, bool(mode & stat.S_IXUSR), readable)
        else:
            raise PackagingError(f"{path}: neither a file nor a folder\nfix: remove it")


def _linked(path: Path, root: Path, name: str) -> Source:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise PackagingError(f"{path}: a link that leads nowhere\nfix: remove it, or copy the file here") from None
    if not target.is_relative_to(root):
        raise PackagingError(f"{path}: a link that leads out of the folder\nfix: copy the file into the folder")
    if not target.is_file():
        raise PackagingError(f"{path}: a link to a folder\nfix: copy the folder, or import it by its own name")
    return Source(name, path, bool(target.stat().st_mode & stat.S_IXUSR), plain=False)
