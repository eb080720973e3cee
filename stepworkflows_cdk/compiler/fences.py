"""Fences: a stretch whose errors can be caught."""

from __future__ import annotations

from collections.abc import Mapping

from stepworkflows_cdk.compiler.integration import CAUSE, ERROR
from stepworkflows_cdk.compiler.place import Handler
from stepworkflows_cdk.compiler.plan import Catch, Data, Parallel, State
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = ["guarded"]


def guarded(
    name: str, mark: Mark, branch: tuple[State, ...], assign: Mapping[str, Data], next_: str, failed: Handler
) -> Parallel:
    """A stretch in a branch of its own: only so can an error of an expression be caught."""
    catch = Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE))
    return Parallel(name, mark, (branch,), next_, assign, catch=(catch,))
