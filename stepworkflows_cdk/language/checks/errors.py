"""Errors by the names of Step Functions, under `catch`, `retry` and `ignore`: those that there are, and that can be caught.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-error-representation
"""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step, Workflow, walk

__all__ = ["check", "named_errors"]

_OWN = "States."
_HTTP = "States.Http."
_ANY_SERVICE = "SERVICE."
"""How the names of `call` begin, whose services are many."""
_CAUGHT = tuple(
    f"{_OWN}{name}"
    for name in (
        "ALL",
        "BranchFailed",
        "ExceedToleratedFailureThreshold",
        "HeartbeatTimeout",
        "ItemReaderFailed",
        "Permissions",
        "QueryEvaluationError",
        "ResultWriterFailed",
        "TaskFailed",
        "Timeout",
    )
)
_NEVER_CAUGHT = (f"{_OWN}Runtime", f"{_OWN}DataLimitExceeded")


def check(workflow: Workflow) -> Iterator[Problem]:
    for step in workflow.all_steps:
        for path, error in named_errors(step):
            yield from _of_aws(step, path, error)
            if not error.startswith(_OWN) or error.startswith(_HTTP) or error in _CAUGHT:
                continue
            if error not in _NEVER_CAUGHT:
                hint = nearest(error, (*_CAUGHT, *_NEVER_CAUGHT)) or f"there are {', '.join(_CAUGHT)}"
                yield Problem("SW245", f"Step Functions has no error `{error}` here", step.mark_of(*path), hint)
            elif not any(inner.integration and inner.integration.starts_flows for inner in walk([step])):
                message = f"nothing inside a flow catches `{error}`"
                hint = "remove it; with `guard: true` the end of the flow runs also then"
                yield Problem("SW245", message, step.mark_of(*path), hint)


def _of_aws(step: Step, path: Path_, error: str) -> Iterator[Problem]:
    """AWS's name of an error that has another one here, or that Step Functions puts the service's name before."""
    work = step.integration
    if work is None or work.runtime or work.starts_flows or work.waits or error in work.raises:
        return
    known = {name: name for name in work.transient if not name.startswith(_ANY_SERVICE)} | dict(work.renamed)
    owns = dict.fromkeys(own for name, own in known.items() if error in (name, name.partition(".")[2]))
    if owns and error not in owns:
        names = " or ".join(f"`{own}`" for own in owns)
        message = f"nothing that `{work.key}` does fails as `{error}`: it is called {names} here"
        yield Problem("SW245", message, step.mark_of(*path), f"write {names}")


def named_errors(step: Step) -> Iterator[tuple[Path_, str]]:
    """Each name of an error that the step itself says, and where."""
    for key in ("catch", "retry"):
        for index, rule in enumerate(getattr(step.keys, key) or ()):
            place = (*step.rule(key, index), "errors")
            yield from (((*place, number), error) for number, error in enumerate(rule.errors))
    yield from ((("ignore", number), error) for number, error in enumerate(step.keys.ignore or ()))
