"""Steps in scopes of their own: the branches of a `parallel`, and where they are joined.

A branch never fails from inside. Its errors are handed out as data, and the join looks at them once all branches rest.
"""

from __future__ import annotations

from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.plan import Catch, Choice, Data, Fail, Jsonata, Parallel, Pass, Rule, State
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.states import reachable
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.tasks import CAUSE, ERROR, Handler
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.workflow import Branch, Step

__all__ = ["branch_states", "first_failure", "join_states", "parallel_states"]


def parallel_states(context: Context, step: Step, lane: Lane, next_: str) -> list[State]:
    """The branches, and the join."""
    branches = tuple(branch_states(context, step, branch, lane) for branch in step.branches)
    assign: dict[str, Data] = {variable("failed", step.id): first_failure("$states.result")}
    for number, branch in enumerate(step.branches):
        assign |= context.exports.taken_in(branch, lane.depth, f"$states.result[{number}]")
    choice, joined = join_states(context, step, lane, next_)
    failed = context.failed(step, lane, completed=True)
    catch = () if failed.next == lane.ended else (Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE)),)
    titles = tuple(branch.name for branch in step.branches)
    return [Parallel(step.name, step.mark, branches, choice, assign, catch=catch, titles=titles), *joined]


def first_failure(result: str) -> Jsonata:
    """The failure that arose first among what branches or items handed out, else null."""
    first = f"$sort({result}[failure != null].failure, function($l, $r) {{ $l.at > $r.at }})[0]"
    return Jsonata(f"($f := {first}; $exists($f) ? $f : null)")


def join_states(context: Context, step: Step, lane: Lane, next_: str) -> tuple[str, list[State]]:
    """Where a fork or loop goes on once all of it rests: the name of the choice, and the states from there."""
    failure = variable("failed", step.id)
    failed = context.failed(step, lane, completed=True)
    target, handed = failed.next, failed.assign(f"${failure}.type", f"${failure}.cause")
    if step.may_fail_alone:
        target, handed = next_, context.exports.status(step, "failed")
    choice = context.namer.unique(f"{step.name}: failed?")
    rules = [Rule(Jsonata(f"${failure} = null"), next_, context.exports.status(step, "done"))]
    for route in context.routes(step, lane, next_):
        names = literal(list(route.errors))
        condition = "true" if ALL in route.errors else f"${failure}.type in {names}"
        caught = route.assign(f"${failure}.type", f"${failure}.cause")
        rules.append(Rule(Jsonata(condition), route.next, caught))
    if target == lane.ended:
        handed = lane.fails(f"${failure}.type", f"${failure}.cause")
    join = Choice(choice, step.mark, tuple(rules), target, handed)
    return choice, [join, *context.catches(step, lane, next_)]


def branch_states(context: Context, step: Step, branch: Branch, outer: Lane) -> tuple[State, ...]:
    """The states of a branch, or of what is done with each item."""
    label = f"{step.name}: {branch.name}"
    done = context.namer.unique(f"{label} done")
    ended = context.namer.unique(f"{label} failed")
    lane = Lane((*outer.frame, branch.scope(step)), lambda _step, _completed: Handler(ended, lane.fails))
    lane.tries.lane = f"_at{lane.depth}"
    body = context.states(branch.steps, lane, done)
    begin = context.exports.entry(branch.steps, lane)
    begin |= {variable(what, step.id): Jsonata(f"$states.input.{what}") for what in context.exports.items_read(step)}
    each = step.keys.for_each
    handed: Data = {"failure": None, **context.exports.handed_out(branch, lane.depth)}
    if each and each.results:
        begin |= context.exports.unset(branch)
        handed = context.exports.written(branch)
    states: list[State] = []
    if begin:
        first = context.first(branch.steps[0])
        states.append(Pass(context.namer.unique(f"{label} begins"), step.mark, first, begin))
    states += body
    states.append(Pass(done, step.mark, None, {}, handed))
    failure = f"${lane.failure}"
    if each and each.may_fail:
        return reachable([*states, Fail(ended, step.mark, Jsonata(f"{failure}.type"), Jsonata(f"{failure}.cause"))])
    gone: Data = {"failure": Jsonata(failure), **context.exports.handed_out(branch, lane.depth)}
    return reachable([*states, Pass(ended, step.mark, None, {}, gone)])
