"""Steps in scopes of their own: the branches of a `parallel`, and where they are joined.

A branch never fails from inside. Its errors are handed out as data, and the join looks at them once all branches rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Catch, Choice, Data, Fail, Jsonata, Parallel, Pass, Rule, State
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.states import reachable
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.wholes import failure_states, given_states
from stepworkflows_cdk.compiler.tasks import CAUSE, ERROR, Handler
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.workflow import Branch, Step, walk

__all__ = ["branch_states", "failed_whole", "first_failure", "join_states", "parallel_states", "stopped"]


def parallel_states(context: Context, step: Step, lane: Lane, next_: str) -> list[State]:
    """The branches, and the join."""
    branches = tuple(branch_states(context, step, branch, lane) for branch in step.branches)
    assign: dict[str, Data] = {variable("failed", step.id): first_failure("$states.result")}
    assign |= {**stopped(step, "$states.result"), **context.attempted(step)}
    for number, branch in enumerate(step.branches):
        assign |= context.exports.taken_in(branch, lane.depth, f"$states.result[{number}]")
    choice, joined = join_states(context, step, lane, next_)
    titles = tuple(branch.name for branch in step.branches)
    catch: tuple[Catch, ...] = ()
    if step.keys.fail_fast:
        catch = (Catch((ALL,), choice, failed_whole(context, step, ERROR)),)
    elif (failed := context.failed(step, lane, completed=True)).next != lane.ended:
        catch = (Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE)),)
    return [Parallel(step.name, step.mark, branches, choice, assign, catch=catch, titles=titles), *joined]


def first_failure(result: str) -> Jsonata:
    """The failure that arose first among what branches or items handed out, else null."""
    first = f"$sort({result}[failure != null].failure, function($l, $r) {{ $l.at > $r.at }})[0]"
    return Jsonata(f"($f := {first}; $exists($f) ? $f : null)")


def stopped(step: Step, result: str) -> dict[str, Data]:
    """What ended the flow early, in a branch or for an item, where anything inside can."""
    first = Jsonata(f"($s := {result}[stopped != null].stopped; $exists($s) ? $s[0] : null)")
    return {variable("stopped", step.id): first} if _can_stop(step.branches) else {}


def failed_whole(context: Context, step: Step, error: str) -> dict[str, Data]:
    """What the join finds where a fork or loop fails itself; ``error`` is JSONata for the error's name."""
    own: Data = {"type": Jsonata(error), "cause": Jsonata(CAUSE), "at": Jsonata("$millis()")}
    early: dict[str, Data] = {variable("stopped", step.id): None} if _can_stop(step.branches) else {}
    return {variable("failed", step.id): own, **early, **context.attempted(step)}


def _can_stop(branches: Sequence[Branch]) -> bool:
    return any(inner.keys.stop for branch in branches for inner in walk(branch.steps))


def join_states(context: Context, step: Step, lane: Lane, next_: str) -> tuple[str, list[State]]:
    """Where a fork or loop goes on once all of it rests: the name of the choice, and the states from there."""
    failure = variable("failed", step.id)
    choice = context.namer.unique(f"{step.name}: failed?")
    rules: list[Rule] = []
    if _can_stop(step.branches):
        early = variable("stopped", step.id)
        condition = Jsonata(f"${failure} = null and ${early} != null")
        rules.append(Rule(condition, lane.stop, lane.stops(Jsonata(f"${early}.outputs"))))
    target, ending = next_, list[State]()
    if any(output.path[len(step.path)] == "outputs" for output in step.outputs):
        target = context.namer.unique(f"{step.name}: outputs")
        ending = given_states(context, step, target, lane, next_)
    rules.append(Rule(Jsonata(f"${failure} = null"), target, context.exports.finished(step)))
    look = context.namer.unique(f"{step.name}: again?")
    looked = failure_states(context, step, look, lane, next_, step.keys.retry or ())
    match looked:
        case [Pass(next=str(ahead), assign=assign)]:
            join = Choice(choice, step.mark, tuple(rules), ahead, assign)
        case [Choice() as only]:  # nothing in it may fail: one choice says all
            join = Choice(choice, step.mark, (*rules, *only.rules), only.default, only.assign)
        case _:
            join, ending = Choice(choice, step.mark, tuple(rules), look), [*looked, *ending]
    return choice, [join, *ending, *context.catches(step, lane, next_)]


def branch_states(context: Context, step: Step, branch: Branch, outer: Lane) -> tuple[State, ...]:
    """The states of a branch, or of what is done with each item."""
    label = f"{step.name}: {branch.name}"
    done = context.namer.unique(f"{label} done")
    ended = context.namer.unique(f"{label} failed")
    early = context.namer.unique(f"{label} stopped") if _can_stop((branch,)) else ""
    lane = Lane((*outer.frame, branch.scope(step)), lambda _step, _completed: Handler(ended, lane.fails), early)
    lane.tries.lane = f"_at{lane.depth}"
    body = context.states(branch.steps, lane, done)
    begin = context.exports.entry(branch.steps, lane)
    begin |= {variable(what, step.id): Jsonata(f"$states.input.{what}") for what in context.exports.items_read(step)}
    each = step.keys.for_each
    if early:
        begin[lane.stopped] = None
    undone = context.kept.get(id(step)) if branch.each else None
    kept: dict[str, Data] = {}
    if undone is not None:
        begin = {**dict.fromkeys(undone), **begin}
        kept = {"undo": {name: Jsonata(f"${name}") for name in undone}}
    handed: Data = {"failure": None, **kept, **context.exports.handed_out(branch, lane.depth)}
    if each and each.results:
        begin |= context.exports.unset(branch)
        handed = context.exports.written(branch)
    states: list[State] = []
    gone: dict[str, Data]
    if begin:
        first = context.first(branch.steps[0])
        states.append(Pass(context.namer.unique(f"{label} begins"), step.mark, first, begin))
    states += body
    states.append(Pass(done, step.mark, None, {}, handed))
    if early:
        gone = {
            **context.exports.handed_out(branch, lane.depth),
            "failure": None,
            "stopped": Jsonata(f"${lane.stopped}"),
        }
        states.append(Pass(early, step.mark, None, {}, gone))
    failure = f"${lane.failure}"
    if step.keys.fail_fast or (each and each.may_fail):
        return reachable([*states, Fail(ended, step.mark, Jsonata(f"{failure}.type"), Jsonata(f"{failure}.cause"))])
    gone = {"failure": Jsonata(failure), **kept, **context.exports.handed_out(branch, lane.depth)}
    return reachable([*states, Pass(ended, step.mark, None, {}, gone)])
