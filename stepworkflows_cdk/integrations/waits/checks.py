"""What is wrong with a wait beyond the shape of its keys: alone, and beside the other flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stepworkflows_cdk.integrations.callers import TYPES, Callers, caller_of
from stepworkflows_cdk.integrations.senders import check_receivers, check_sender
from stepworkflows_cdk.integrations.waits.claims import LONGEST
from stepworkflows_cdk.integrations.waits.keys import KINDS, ApiSpec, EventSpec, spec_of
from stepworkflows_cdk.integrations.waits.paths import at_path
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import Expression, WrongValue, parse_value, references_in, strings_in
from stepworkflows_cdk.language.scope import Unresolved, View, resolve
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.targets import ItemTarget, OutputTarget, StatusTarget, Target
from stepworkflows_cdk.language.views import views
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["check_alone", "check_among"]

_TAKEN = 15
"""Seconds for which a message has to be hidden: as long as the function may take."""


def check_alone(step: Step, workflow: Workflow) -> Iterator[Problem]:
    """All problems that the flow itself shows."""
    spec = spec_of(step)
    if step.whole_input:
        yield Problem("SW112", "a wait is no code of the flow", step.key_mark("wait-for"), "move it under `steps`")
        return
    yield from _time(step)
    if step.keys.inputs is not None:
        yield Problem("SW107", "`inputs` has no effect on a wait", step.key_mark("inputs"), "remove it")
    kinds = [kind for kind in KINDS if getattr(spec, kind) is not None]
    if len(kinds) != 1:
        named = ", ".join(f"`{kind}`" for kind in KINDS)
        message = f"a wait has one of the keys {named}" + (f", and here are {len(kinds)}" if kinds else "")
        mark = step.key_mark("wait-for", kinds[1]) if kinds else step.mark_of("wait-for")
        yield Problem("SW104" if kinds else "SW102", message, mark, "keep one" if kinds else "add one")
        return
    if spec.event is not None:
        yield from _event(step, spec.event, workflow)
    if spec.queue is not None:
        yield from _queue(step, spec.queue, workflow)
    if spec.api is not None:
        yield from _api(step, spec.api, workflow)
    if spec.approval is not None:
        yield from check_receivers(step, ("wait-for", "approval", "to"), spec.approval.to)
        yield from check_sender(step, ("wait-for", "approval"), spec.approval.from_, spec.approval.identity)
        if spec.match is not None:
            message = "an approval has no `match`: each link is for one execution"
            yield Problem("SW107", message, step.key_mark("wait-for", "match"), "remove it")
        return
    if spec.match is None:
        message = "the key `match` is missing"
        yield Problem("SW102", message, step.mark_of("wait-for"), "add `match`: what singles out the execution")
        return
    yield from _match(step, spec.match)
    if not _singles_out_the_item(step, workflow):
        message = "all items would wait for the same answer"
        hint = "match something of the item as well: a field of it, or `{index}`"
        yield Problem("SW219", message, step.key_mark("wait-for", "match"), hint)


def check_among(step: Step, workflow: Workflow, workflows: Sequence[Workflow]) -> Iterator[Problem]:
    """What two flows cannot both take from: whoever comes first would have it."""
    api, queue = spec_of(step).api, spec_of(step).queue
    if api is not None:
        yield from _path_taken(step, api, workflow, workflows)
    if queue is None:
        return
    others = [other for other in workflows if other is not workflow]
    waiting = [other.id for other in others if any(_waits_on(each, queue) for each in other.forward)]
    started = [other.id for other in workflows if any((t.kind, t.id) == ("queue", queue) for t in other.triggers)]
    mark = step.mark_of("wait-for", "queue")
    for taker in dict.fromkeys([*started, *waiting]):
        what = f"the flow `{taker}` is started by" if taker in started else f"steps of the flow `{taker}` wait for"
        yield Problem("SW230", f"{what} the messages of `{queue}`, each of which one takes", mark, "use another queue")


def _waits_on(step: Step, queue: str) -> bool:
    return step.integration is not None and step.integration.key == "wait-for" and spec_of(step).queue == queue


def _time(step: Step) -> Iterator[Problem]:
    timeout, remind = step.keys.timeout, step.keys.remind
    if timeout is None:
        hint = "write how long it may last, such as `timeout: 14d`"
        yield Problem("SW102", "a wait needs a `timeout`", step.key_mark("wait-for"), hint)
    elif timeout > LONGEST:
        yield Problem("SW401", "an execution lasts a year at most", step.mark_of("timeout"), "shorten the wait")
    elif remind is not None and not 0 < remind.every < timeout:
        message = "a reminder comes before the wait is over"
        yield Problem("SW401", message, step.mark_of("remind", "every"), "write less than the `timeout`")


def _event(step: Step, event: EventSpec, workflow: Workflow) -> Iterator[Problem]:
    for key, value in (("source", event.source), ("detail-type", event.detail_type)):
        if not _fixed(value):
            message = f"`{key}` is fixed at deployment: a rule is made of it"
            mark = step.mark_of("wait-for", "event", key)
            yield Problem("SW215", message, mark, "write it out, or name `config`")
    if event.bus is not None:
        yield from undeclared(step, ("wait-for", "event", "bus"), event.bus, "bus", workflow)


def _queue(step: Step, name: str, workflow: Workflow) -> Iterator[Problem]:
    yield from undeclared(step, ("wait-for", "queue"), name, "queue", workflow)
    resource = workflow.resources.get(name)
    hidden = getattr(resource.keys, "timeout", _TAKEN) if resource else _TAKEN
    if hidden < _TAKEN:
        message = (
            f"messages of `{name}` are hidden for {hidden} seconds, and those that are read for this need {_TAKEN}"
        )
        hint = f"write `timeout: {_TAKEN}s` or more in the queue"
        yield Problem("SW401", message, step.mark_of("wait-for", "queue"), hint)


def _api(step: Step, api: ApiSpec, workflow: Workflow) -> Iterator[Problem]:
    mark = step.mark_of("wait-for", "api", "auth")
    if isinstance(api.auth, Callers):
        if (api.auth.cognito is None) == (api.auth.function is None):
            yield Problem("SW233", "`auth` has `cognito` or `function`", mark, "write one of them")
            return
        kind, name = caller_of(api.auth, workflow)
        yield from undeclared(step, ("wait-for", "api", "auth", kind), str(name), TYPES[kind], workflow)
    elif api.auth not in ("iam", "cognito"):
        message = "`auth` must be `iam`, `cognito`, `{cognito: NAME}` or `{function: NAME}`"
        hint = (
            nearest(api.auth, ("iam", "cognito")) or "with `{function: NAME}` a function of yours says who is calling"
        )
        yield Problem("SW103", message, mark, hint)
    elif api.auth == "cognito" and caller_of(api.auth, workflow)[1] is None:
        message = "`auth: cognito` means the one user pool of the flow"
        hint = "declare it: `resources: {users: {type: user-pool}}`; of several, name one: `{cognito: NAME}`"
        yield Problem("SW216", message, mark, hint)
    first = at_path(workflow, api)[0]
    if (other := spec_of(first).api) is not None and other.auth != api.auth:
        message = f"others may answer `{api.method} {api.path}` by the step `{first.title}`"
        yield Problem("SW233", message, mark, "write the same `auth`, or another path")


def _path_taken(step: Step, api: ApiSpec, workflow: Workflow, workflows: Sequence[Workflow]) -> Iterator[Problem]:
    mark = step.mark_of("wait-for", "api", "path")
    for other in workflows:
        if api.method == "POST" and any((each.kind, each.id) == ("api", api.path) for each in other.triggers):
            message = f"`POST {api.path}` starts the flow `{other.id}`"
            yield Problem("SW230", message, mark, "choose another path")
        elif other is not workflow and at_path(other, api):
            message = f"steps of the flow `{other.id}` wait for `{api.method} {api.path}`"
            yield Problem("SW230", message, mark, "choose another path")


def _match(step: Step, match: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value in match.items():
        mark = step.mark_of("wait-for", "match", path)
        if path.startswith("detail.") and spec_of(step).event is not None:
            message = f"`{path}` is sought inside the detail, where it means `detail.{path}`"
            hint = f"write `{path.removeprefix('detail.')}`, if that is meant"
            yield Problem("SW226", message, step.key_mark("wait-for", "match", path), hint, "warning")
        if value in (None, "") or isinstance(value, list | dict | float):
            yield Problem("SW219", "a value to match is a text that is not empty", mark, "write a text or a reference")
        if any(other.startswith(f"{path}.") for other in match):
            message = f"`{path}` cannot be matched as a whole and in part"
            yield Problem("SW219", message, step.key_mark("wait-for", "match", path), "keep one of them")


def _fixed(value: str) -> bool:
    try:
        parsed = parse_value(value)
    except WrongValue:
        return True  # reported as what it is
    return not isinstance(parsed, Expression) and all(part.root == "config" for part in references_in(parsed))


def _singles_out_the_item(step: Step, workflow: Workflow) -> bool:
    """Whether what is matched is of the item of the innermost loop around the step, if there is one."""
    view = next((view for found, view in views(workflow) if found is step), None)
    if view is None or not view.loops:
        return True
    loop = view.loops[-1]
    try:
        return any(_is_inside(target, loop.id, loop.depth) for target in _targets(spec_of(step).match, view))
    except (WrongValue, Unresolved):
        return True  # reported as what it is


def _is_inside(target: Target, loop: str, depth: int) -> bool:
    match target:
        case ItemTarget():
            return target.loop.id == loop
        case OutputTarget(known=known) | StatusTarget(known=known):
            return len(known.frame) > depth
        case _:
            return False


def _targets(value: Any, view: View) -> Iterator[Target]:
    for _, text in strings_in(value):
        for reference in references_in(parse_value(text)):
            yield resolve(reference, view)
