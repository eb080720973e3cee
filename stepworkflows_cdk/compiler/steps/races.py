"""A `parallel` with `join`: it goes on with the first branch that succeeds, or with the first few.

Step Functions ends all branches of a Parallel only where one of them fails. So the branch that decides the race ends in a
Fail state, whose cause is the result, and the Parallel's catcher reads it; one that fails ends well, with its error as its
output. Branches that are counted write their results into one row of a table.

https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html, and for the pattern
https://aws.amazon.com/blogs/compute/implementing-patterns-that-exit-early-out-of-a-parallel-state-in-aws-step-functions/
"""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.place import TaskPlace
from stepworkflows_cdk.compiler.plan import RACE_WON, Catch, Choice, Data, Fail, Jsonata, Parallel, Pass, Rule, State
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.states import reachable
from stepworkflows_cdk.compiler.steps.context import Context
from stepworkflows_cdk.compiler.steps.wholes import failure_states, given_states, object_given
from stepworkflows_cdk.compiler.tasks import CAUSE, ERROR, Handler, task_states
from stepworkflows_cdk.compiler.values import variable
from stepworkflows_cdk.language.model import JoinKeys
from stepworkflows_cdk.language.workflow import Branch, Step

__all__ = ["race_states"]

_RESULT = 16_384
"""Characters of JSON that a result may have. A cause may have 32,768:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html"""
_CAUSE = 32_000


def race_states(context: Context, step: Step, lane: Lane, next_: str) -> list[State]:
    """The branches, and where the race goes on."""
    branches = tuple(_branch_states(context, step, branch, lane) for branch in step.branches)
    target, ending = next_, list[State]()
    won: dict[str, Data] = {variable("won", step.id): Jsonata("$parse($states.errorOutput.Cause)")}
    if step.outputs:
        target = context.namer.unique(f"{step.name}: outputs")
        ending = given_states(context, step, target, lane, next_)
    else:
        won |= context.exports.status(step, "done")
    look = context.namer.unique(f"{step.name}: failed?")
    looked = failure_states(context, step, look, lane, next_, step.keys.retry or ())
    catches = [Catch((RACE_WON,), target, won)]
    failed = context.failed(step, lane, completed=True)
    if failed.next != lane.ended:
        catches.append(Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE)))
    titles = tuple(branch.name for branch in step.branches)
    given: Data = {"at": Jsonata("$states.context.State.EnteredTime")} if _counts(step) else None
    assign: dict[str, Data] = {variable("failed", step.id): _nobody(step)}
    race = Parallel(step.name, step.mark, branches, look, assign, catch=tuple(catches), titles=titles, arguments=given)
    return [race, *looked, *ending, *context.catches(step, lane, next_)]


def _nobody(step: Step) -> Data:
    """The error of a race that nobody won."""
    told = " & '; ' & ".join(
        f"{literal(branch.name + ': ')} & ($f := $states.result[{number}].failure;"
        " $f = null ? 'succeeded' : $f.type & ': ' & $f.cause)"
        for number, branch in enumerate(step.branches)
    )
    cause = f"$substring({told}, 0, {_CAUSE})"
    name = "TooFewBranches" if _counts(step) else "AllBranchesFailed"
    return {"type": name, "cause": Jsonata(cause), "at": Jsonata("$millis()")}


def _counts(step: Step) -> bool:
    return isinstance(step.keys.join, JoinKeys)


def _branch_states(context: Context, step: Step, branch: Branch, outer: Lane) -> tuple[State, ...]:
    label = f"{step.name}: {branch.name}"
    through, wins, ended = (context.namer.unique(f"{label} {what}") for what in ("through", "wins", "failed"))
    lane = Lane((*outer.frame, branch.scope(step)), lambda _step, _completed: Handler(ended, lane.fails), "")
    lane.tries.lane = f"_at{lane.depth}"
    body = context.states(branch.steps, lane, through)
    outputs = object_given(context, branch.steps, lane, fork=False)
    found: list[State]
    if _counts(step):
        found = _counted(context, step, branch, lane, (through, wins, ended), outputs)
    else:
        result = f"$string($merge([{outputs}, {{'winner': {literal(branch.name)}}}]))"
        found = [
            _fits(through, step, f"$length({result}) <= {_RESULT}", wins, {}, lane, ended),
            Fail(wins, step.mark, RACE_WON, Jsonata(result)),
        ]
    begin = context.exports.entry(branch.steps, lane)
    if _counts(step):
        begin[variable("given", step.id)] = Jsonata("$states.input.at")
    states = [*body, *found, Pass(ended, step.mark, None, {}, {"failure": Jsonata(f"${lane.failure}")})]
    if begin:
        first = context.first(branch.steps[0])
        states.insert(0, Pass(context.namer.unique(f"{label} begins"), step.mark, first, begin))
    return reachable(states)


def _fits(name: str, step: Step, condition: str, next_: str, assign: dict[str, Data], lane: Lane, ended: str) -> Choice:
    """Whether what a branch gave is small enough."""
    cause = literal("what a branch of a race gives may have 16 KiB, where they are counted all together")
    too_large = dict(lane.fails(literal("ResultTooLarge"), cause))
    return Choice(name, step.mark, (Rule(Jsonata(condition), next_, assign),), ended, too_large)


def _counted(
    context: Context, step: Step, branch: Branch, lane: Lane, names: tuple[str, str, str], outputs: str
) -> list[State]:
    """The branch is counted, and decides the race if it is the last that is needed."""
    assert isinstance(step.keys.join, JoinKeys)
    through, wins, ended = names
    label = f"{step.name}: {branch.name}"
    count, enough, done = (context.namer.unique(f"{label} {what}") for what in ("counted", "enough?", "done"))
    call = context.calls[id(step)].counts[branch.name]
    result, counted = variable("result", step.id), variable("count", step.id)
    limit = _RESULT // len(step.branches)
    fits = _fits(
        through,
        step,
        f"$length($string({outputs})) <= {limit}",
        count,
        {result: Jsonata(f"$string({outputs})")},
        lane,
        ended,
    )

    def taken(made: Call) -> dict[str, Data]:
        return {counted: Jsonata(made.result)}

    failed = Handler(ended, lane.fails)
    place = TaskPlace(count, step.mark, step.id, enough, failed, (), taken, caught=lane.caught)
    tasks = task_states(place, call, context.of_try(step, lane.caught), lane.tries, context.namer.unique)
    result = f"$string($merge([${counted}, {{'winners': $keys(${counted})}}]))"
    rule = Rule(Jsonata(f"$count($keys(${counted})) >= {step.keys.join.at_least}"), wins)
    return [
        fits,
        *tasks,
        Choice(enough, step.mark, (rule,), done),
        Fail(wins, step.mark, RACE_WON, Jsonata(result)),
        Pass(done, step.mark, None, {}, {"failure": None}),
    ]
