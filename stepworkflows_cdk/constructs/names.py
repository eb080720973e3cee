"""Names that a caller gave, held against the names that there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["check_names", "unknown_name"]


def check_names(argument: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Every name in ``given`` has to be ``known``, else a :class:`ConfigurationError` that proposes the nearest one."""
    names = sorted(known)
    for name in given:
        if name not in names:
            raise ConfigurationError(unknown_name(argument, name, names))


def unknown_name(argument: str, name: str, known: Iterable[str]) -> str:
    """The sentence about a name that is not there."""
    names = sorted(known)
    nearest = get_close_matches(name, names, n=1, cutoff=0.5)
    allowed = f"the workflow has {', '.join(names)}" if names else "the workflow has none"
    meant = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"{argument}: unknown name {name!r}; {allowed}{meant}"
