"""The modules of one function, apart from those of the process and of all other functions.

While a function works, its folder stands first in ``sys.path`` and its own modules are in ``sys.modules``; modules of
the same names that the process had are put aside, and put back afterwards. Its modules are imported once and kept (a
warm function). The standard library and boto3 are never put aside: a copy of boto3 in the folder would talk past moto.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

__all__ = ["Modules"]

_SHARED = frozenset({"boto3", "botocore", "s3transfer", "moto", "stepworkflows_cdk"})


class Modules:
    """The modules below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._loaded: dict[str, ModuleType] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Makes the function's modules the ones that ``import`` finds."""
        path, bytecode = list(sys.path), sys.dont_write_bytecode
        names = self._names()
        aside = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in names}
        for name in aside:
            del sys.modules[name]
        sys.modules.update(self._loaded)
        sys.path.insert(0, self._folder)
        sys.dont_write_bytecode = True  # the user's folder stays as it is
        importlib.invalidate_caches()
        try:
            yield
        finally:
            self._loaded = {name: module for name, module in sys.modules.items() if self._owns(name, module, names)}
            for name in self._loaded:
                del sys.modules[name]
            sys.modules.update(aside)
            sys.path[:] = path
            sys.dont_write_bytecode = bytecode
            for entry in [entry for entry in sys.path_importer_cache if self._below(entry)]:
                del sys.path_importer_cache[entry]

    def forget(self) -> None:
        """The next call imports everything anew (a cold start)."""
        self._loaded = {}

    def _names(self) -> frozenset[str]:
        """The top-level names that the folder gives."""
        names = {entry.name.partition(".")[0] for entry in Path(self._folder).iterdir() if _importable(entry)}
        return frozenset(names - _SHARED - sys.stdlib_module_names - set(sys.builtin_module_names))

    def _owns(self, name: str, module: ModuleType, names: frozenset[str]) -> bool:
        file = getattr(module, "__file__", None)
        return name.partition(".")[0] in names or (isinstance(file, str) and self._below(file))

    def _below(self, path: str) -> bool:
        return path == self._folder or path.startswith(f"{self._folder}{os.sep}")


def _importable(entry: Path) -> bool:
    return entry.is_dir() or entry.suffix in (".py", ".pyc", ".so", ".pyd")
