"""Whose work a step is: its work keys, read by the model of the one integration that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.keys import key_names
from stepworkflows_cdk.language.model import StepKeys
from stepworkflows_cdk.language.shape import nearest, read_keys
from stepworkflows_cdk.language.work_key import WorkKey

__all__ = ["read_work", "work_keys"]

_RUNS_ON = "runs-on"


def work_keys(integrations: Iterable[WorkKey]) -> frozenset[str]:
    """All keys that belong to some integration."""
    return frozenset(key for integration in integrations if integration.keys for key in key_names(integration.keys))


def read_work(
    document: Document,
    path: Path_,
    step: Mapping[str, Any],
    integrations: Sequence[WorkKey],
    problems: list[Problem],
) -> tuple[WorkKey | None, BaseModel | None]:
    """The integration that does the work of the step at ``path``, and the keys that belong to it; None where it does none,
    and, with ``problems`` added, where that cannot be said.
    """
    known = work_keys(integrations)
    owned = [key for key in step if key in known]
    if not owned:
        return None, None
    leaders = {i.key: i for i in integrations if i.key and i.key in step and i.key != _RUNS_ON}
    if len(leaders) + (_RUNS_ON in step) > 1:
        found = ", ".join(f"`{key}`" for key in step if key in leaders or key == _RUNS_ON)
        mark = document.key_mark((*path, owned[0]))
        problems.append(Problem("SW104", f"a step does one work, and here are {found}", mark, "make them two steps"))
        return None, None
    integration = next(iter(leaders.values()), None) or _runtime(document, path, step, owned[0], integrations, problems)
    if integration is None or integration.keys is None:
        return None, None
    work = {key: item for key, item in step.items() if key in owned}
    for key in [key for key in work if key not in key_names(integration.keys)]:
        message = f"`{key}` does not go with `{integration.runtime or integration.key}`"
        mark = document.key_mark((*path, key))
        problems.append(Problem("SW104", message, mark, "remove it, or make two steps"))
        del work[key]
    return integration, read_keys(integration.keys, document, path, work, problems, (StepKeys,))


def _runtime(
    document: Document,
    path: Path_,
    step: Mapping[str, Any],
    key: str,
    integrations: Sequence[WorkKey],
    problems: list[Problem],
) -> WorkKey | None:
    """What code runs on; ``key`` is one that says something of code."""
    runtimes = {i.runtime: i for i in integrations if i.key == _RUNS_ON and i.runtime}
    written = step.get(_RUNS_ON)
    name = next(iter(written), None) if isinstance(written, dict) else written
    if isinstance(name, str) and name in runtimes:
        return runtimes[name]
    known = ", ".join(f"`{runtime}`" for runtime in sorted(runtimes))
    if _RUNS_ON not in step:
        mark = document.key_mark((*path, key))
        problems.append(Problem("SW102", f"`{key}` needs `{_RUNS_ON}` beside it", mark, f"add `{_RUNS_ON}`: {known}"))
    else:
        mark = document.mark((*path, _RUNS_ON))
        hint = nearest(str(name), runtimes) or f"write `{_RUNS_ON}: {next(iter(runtimes))}`"
        problems.append(Problem("SW103", f"`{_RUNS_ON}` must be {known}", mark, hint))
    return None
