"""Reading zip files that may be damaged, encrypted or made on purpose to be neither."""

from __future__ import annotations

import struct
import zipfile
import zlib

__all__ = ["BROKEN"]

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
