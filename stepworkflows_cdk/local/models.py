"""AWS's models of its services, read from their files once for all runs of a process: reading them takes longer than most
runs.
"""

from __future__ import annotations

from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

__all__ = ["session"]


class _Files(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    def __init__(self) -> None:
        self._read: dict[str, Any] = {}

    def load_file(self, file_path: str) -> Any:
        if file_path not in self._read:
            self._read[file_path] = super().load_file(file_path)
        return self._read[file_path]


_FILES = _Files()


def session() -> Session:
    """A session of botocore, apart from all others but for the files."""
    found = Session()
    found.register_component("data_loader", Loader(file_loader=_FILES))
    return found
