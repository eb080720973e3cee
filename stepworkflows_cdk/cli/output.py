"""Files that the command writes where the user says."""

from __future__ import annotations

from pathlib import Path

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["write"]


def write(path: Path, text: str) -> None:
    """The text into the file, as UTF-8. Raises ``ConfigurationError`` where that cannot be."""
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"cannot write {path.as_posix()}: {(error.strerror or 'no access').lower()}") from None
