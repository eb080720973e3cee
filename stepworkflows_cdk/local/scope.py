"""The variables of a machine, a branch or an iteration: each sees its own and those of the scopes around it, and sets
its own.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Scope"]


class Scope:
    """Variables in the form that expressions read."""

    def __init__(self, outer: Scope | None = None) -> None:
        self._outer = outer
        self._own: dict[str, Any] = {}

    def visible(self) -> dict[str, Any]:
        """Name -> value of all that an expression in this scope may read."""
        return {**self._outer.visible(), **self._own} if self._outer is not None else dict(self._own)

    def assign(self, values: Mapping[str, Any]) -> None:
        """Sets variables of this scope, all at once."""
        self._own.update(values)
