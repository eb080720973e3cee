"""What may be missing where an error is handled, and stands alone where the work wants a value."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.document import Path_
from stepworkflows_cdk.language.references import Reference
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.targets import ErrorTarget, OutputTarget, Target

__all__ = ["missing_at_the_end"]


def missing_at_the_end(
    reference: Reference, target: Target, view: View, inside: Path_, *, alone: bool, mark: Mark
) -> Iterator[Problem]:
    """The problem of an output that is null where its step did not end, or of an error that there is none of, as the whole of
    a key of a step's work under ``on-failure`` and ``finally``. ``inputs`` may be null, and a condition around it may ask.
    """
    step = view.step
    if not (alone and view.handling and step and step.integration and inside[:1] == (step.integration.key,)):
        return
    around = [each for each in view.workflow.ending if step.path[: len(each.path)] == each.path]
    if view.undoing or any(each.keys.if_ or each.arms for each in around):
        return
    name, other = reference.text, f"`{{% {reference.text} = null ? '...' : {reference.text} %}}`"
    if isinstance(target, OutputTarget) and _may_be_null(target, view):
        message = f"`{name}` is null where `{target.known.step.title}` did not end well, and this step may fail on it"
        default = f"{target.output.name}: {{value: ..., default: '...'}}"
        yield Problem("SW307", message, mark, f"write {other}, or give it a default: `{default}`", "warning")
    elif isinstance(target, ErrorTarget) and view.ending:
        message = f"`{name}` is null where the flow went well, and this step may fail on it"
        yield Problem("SW307", message, mark, f"write {other}, or move the step to `on-failure`", "warning")


def _may_be_null(target: OutputTarget, view: View) -> bool:
    known = target.known
    ran = known.sure and not known.ways and known.step in view.workflow.ending  # a step before it, which went well
    return target.uncertain and not ran and not known.each and target.output.default is None
