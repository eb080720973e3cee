"""Reading zip files that may be damaged, encrypted or made on purpose to be neither."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import PureWindowsPath

__all__ = ["BROKEN", "fault"]

BROKEN: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What ``zipfile`` raises where a file is no zip that can be read. ``RuntimeError`` stands for a password."""


def fault(entry: zipfile.ZipInfo) -> str | None:
    """What is wrong with a file of an archive, for whoever unpacks it; None where nothing is."""
    # zipfile has turned the machine's separator into "/" already; other tools leave backslashes in.
    name, mode = entry.filename, entry.external_attr >> 16
    if name.startswith("/") or PureWindowsPath(name).drive or PureWindowsPath(name).root:
        return "has an absolute name"
    if ".." in PureWindowsPath(name).parts:
        return "climbs out of the folder that it is unpacked to"
    if stat.S_ISLNK(mode):
        return "is a link"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way that Lambda does not unpack"
    if "\\" in name:
        return "has backslashes in its name, which are no folders in Lambda"
    return None
