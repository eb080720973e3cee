"""A zip file that somebody made, looked through before Lambda does: what it would refuse or unpack wrongly is an error."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stepworkflows_cdk.constructs.requirements import asks_for_nothing
from stepworkflows_cdk.constructs.sources import INSTEAD, keeps_credentials, write
from stepworkflows_cdk.errors import PackagingError
from stepworkflows_cdk.language.archive import BROKEN, fault

__all__ = ["Archive", "read_zip", "unpack"]

_ANEW = "fix: zip the files anew from their folder"
_LIST = "requirements.txt"


@dataclass(frozen=True)
class Archive:
    """``size``: the bytes of its files, unpacked. ``plain``: everybody may read them, as Lambda needs it; Python's
    ``zipfile`` writes files that only their owner may.
    """

    size: int
    plain: bool


def read_zip(file: Path) -> Archive:
    """Looks through the whole file. What is wrong with it is a ``PackagingError``."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_entries(file, entries)
            broken = archive.testzip()
            listed = archive.read(_LIST).decode(errors="replace") if _LIST in archive.namelist() else ""
    except BROKEN as error:
        raise PackagingError(f"{file}: not a zip file that can be read: {error}\nfix: make it anew") from error
    if broken is not None:
        raise PackagingError(f"{file}: {broken!r} is broken: its checksum does not hold\nfix: make the zip file anew")
    if not asks_for_nothing(listed) and not any(".dist-info/" in entry.filename for entry in entries):
        raise PackagingError(
            f"{file}: its {_LIST} names packages that are not in it, and a zip file is used as it is\n"
            "fix: name the folder instead of the zip file, and its packages are installed"
        )
    modes = [entry.external_attr >> 16 for entry in entries if not entry.is_dir()]
    return Archive(sum(entry.file_size for entry in entries), all(not mode or mode & stat.S_IROTH for mode in modes))


def unpack(file: Path, new: Path) -> None:
    """Writes the files of a zip that was looked through into a folder, for everybody to read."""
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                write(
                    new / entry.filename, archive.read(entry), executable=bool(entry.external_attr >> 16 & stat.S_IXUSR)
                )


def _check_entries(file: Path, entries: Iterable[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        wrong = "stands in it twice" if entry.filename in seen else fault(entry)
        if keeps_credentials(entry.filename):
            raise PackagingError(
                f"{file}: {entry.filename!r} is a file for credentials, which would be uploaded\n{INSTEAD}"
            )
        if wrong:
            raise PackagingError(f"{file}: {entry.filename!r} {wrong}\n{_ANEW}")
        seen.add(entry.filename)
    if all(name.endswith("/") for name in seen):
        raise PackagingError(f"{file}: the zip file is empty\nfix: zip the files of the step's folder")
