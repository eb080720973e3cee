"""A package becomes one zip file together with other files: what a container fetches. The same files give the same bytes."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from stepworkflows_cdk.constructs.packaging import Package
from stepworkflows_cdk.constructs.sources import read_sources
from stepworkflows_cdk.constructs.wheels import WheelStore

__all__ = ["zipped"]

_FILE = "code.zip"


def zipped(packed: Package, beside: Mapping[str, Path], store: WheelStore | None = None) -> Path:
    """The file: the package, and the files ``beside`` at its top, by the names that they have there."""
    store = store or WheelStore.of_user()
    files = {name: (content, executable) for name, content, executable in _files(packed)}
    files |= {name: (path.read_bytes(), False) for name, path in beside.items()}
    digest = hashlib.sha256()
    for name, (content, executable) in sorted(files.items()):
        digest.update(f"\0{name}\0{len(content)}\0{executable}\0".encode() + content)
    folder = store.folder / "zipped" / digest.hexdigest()[:32]
    if not folder.is_dir():
        store.fill(folder, lambda new: _write(new, files))
    return folder / _FILE


def _files(packed: Package) -> Iterator[tuple[str, bytes, bool]]:
    """Name, content, and whether it can be executed."""
    if packed.path.is_dir():
        for source in read_sources(packed.path):
            yield source.name, source.path.read_bytes(), source.executable
        return
    with zipfile.ZipFile(packed.path) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                yield entry.filename, archive.read(entry), bool(entry.external_attr >> 16 & stat.S_IXUSR)


def _write(new: Path, files: Mapping[str, tuple[bytes, bool]]) -> None:
    new.mkdir()
    with zipfile.ZipFile(new / _FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, executable) in sorted(files.items()):
            entry = zipfile.ZipInfo(name)  # with the time 1980, and not that of the file
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if executable else 0o644) << 16
            archive.writestr(entry, content)
