"""Names of resources in the keys of integrations: whether the flow declares what a step names."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.references import given_flow
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["missing", "undeclared"]


def undeclared(
    step: Step, path: Path_, name: str, type_: str, workflow: Workflow, example: str = ""
) -> Iterator[Problem]:
    """The problem of a name, written at ``path`` in the step, that no resource of the type has; nothing where one has.
    ``example`` is what else stands in a declaration of the type.
    """
    yield from missing(name, type_, workflow, step.mark_of(*path), example)


def missing(name: str, type_: str, workflow: Workflow, mark: Mark, example: str = "") -> Iterator[Problem]:
    """The same, for a name that stands anywhere."""
    known = [each for each, resource in workflow.resources.items() if resource.type == type_]
    other = workflow.resources.get(name)
    if name not in known and other:
        hint = (
            f"write {' or '.join(f'`{each}`' for each in known)}" if known else f"declare a {type_} under another name"
        )
        yield Problem("SW216", f"`{name}` is a {other.type}, and a {type_} is meant here", mark, hint)
    elif name not in known and (given := given_flow(name)) in known:
        yield Problem("SW216", f"here stands the name of a {type_}, and no reference", mark, f"write `{given}`")
    elif name not in known:
        hint = nearest(name, known) or f"declare it: `resources: {{{name}: {{type: {type_}{example}}}}}`"
        yield Problem("SW216", f"no {type_} is called `{name}`", mark, hint)
