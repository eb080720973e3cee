"""A list of steps becomes states, in one lane: work, values, rules, forks, waits, each going on to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stepworkflows_cdk.compiler.distributed import WRITTEN, distributed
from stepworkflows_cdk.compiler.exports import Exports, column
from stepworkflows_cdk.compiler.fences import TOO_MANY, guarded, items_of
from stepworkflows_cdk.compiler.integration import Call
from stepworkflows_cdk.compiler.jsonata import literal
from stepworkflows_cdk.compiler.lanes import Lane
from stepworkflows_cdk.compiler.outputs import defaults, output_data, output_is_certain
from stepworkflows_cdk.compiler.plan import (
    Catch,
    Choice,
    Data,
    Fail,
    Jsonata,
    Map,
    Parallel,
    Pass,
    Rule,
    State,
    Succeed,
    Wait,
)
from stepworkflows_cdk.compiler.retries import ALL
from stepworkflows_cdk.compiler.states import Namer, reachable
from stepworkflows_cdk.compiler.tasks import CAUSE, ERROR, Handler, TaskPlace, needs_handler, task_states
from stepworkflows_cdk.compiler.tries import Route
from stepworkflows_cdk.compiler.values import Values, output_variable, variable
from stepworkflows_cdk.language.model import FailKeys, ForEachKeys, RequireKeys, UntilKeys
from stepworkflows_cdk.language.scope import View
from stepworkflows_cdk.language.workflow import Branch, Step

__all__ = ["Planned", "Sequencer", "cause_of"]

# https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemselector.html
_ITEM = {"item": "$states.context.Map.Item.Value", "index": "$states.context.Map.Item.Index"}


@dataclass(frozen=True)
class Planned:
    """A step with its call, and the call that records its ``DATABASE_`` outputs."""

    call: Call | None
    record: Call | None = None

    def __iter__(self) -> Iterator[Call]:
        return (call for call in (self.call, self.record) if call)


@dataclass(frozen=True)
class Sequencer:
    """Plans sequences of one machine.

    ``calls`` is what each step becomes, ``views`` what it can name, both by ``id()``.
    """

    calls: Mapping[int, Planned]
    views: Mapping[int, View]
    values: Callable[[View], Values]
    namer: Namer
    exports: Exports

    def states(self, steps: Sequence[Step], lane: Lane, next_: str) -> list[State]:
        """The states of the steps, the last going on to ``next_``."""
        following = [*(self.first(step) for step in steps), next_][1:]
        return [state for step, then in zip(steps, following, strict=True) for state in self._step(step, lane, then)]

    def first(self, step: Step) -> str:
        """The name of the state at which a step begins."""
        return self.namer.fixed(f"{step.name}: if", step) if step.keys.if_ is not None else step.name

    def _step(self, step: Step, lane: Lane, next_: str) -> list[State]:
        values = self.values(self.views[id(step)])
        body = self._body(step, lane, values, next_)
        return [*self._if(step, lane, values, next_), *body]

    def _body(self, step: Step, lane: Lane, values: Values, next_: str) -> list[State]:
        planned = self.calls.get(id(step))
        record = planned.record if planned else None
        if planned and planned.call:
            return self._work(step, planned.call, record, lane, values, next_)
        if step.keys.require:
            return self._require(step, step.keys.require, lane, values, next_)
        if step.keys.fail:
            return self._fail(step, step.keys.fail, lane, values)
        if step.keys.wait is not None:
            return self._wait(step, lane, values, next_)
        if step.arms:
            return self._switch(step, lane, values, next_)
        if step.keys.for_each:
            return self._loop(step, step.keys.for_each, lane, values, next_)
        if step.branches:
            return self._parallel(step, lane, next_)
        return self._set(step, record, lane, values, next_)

    def _if(self, step: Step, lane: Lane, values: Values, next_: str) -> list[State]:
        if step.keys.if_ is None:
            return []
        text = step.keys.if_ if isinstance(step.keys.if_, str) else literal(step.keys.if_)
        condition = values.condition(text)
        name = self.first(step)
        handler = lane.handler(step, False)
        if values.condition_is_certain(text) or handler.next == lane.ended:
            return [Choice(name, step.mark, (Rule(condition, step.name, comment=text),), next_)]
        held = variable("if", step.id)
        inside = Pass(self.namer.unique(f"{name}?"), step.mark, None, {}, {"holds": condition})
        choice = self.namer.unique(f"{name} so")
        assign = {held: Jsonata("$states.result[0].holds")}
        fence = guarded(name, step.mark, (inside,), assign, choice, handler)
        return [fence, Choice(choice, step.mark, (Rule(Jsonata(f"${held}"), step.name, comment=text),), next_)]

    def _work(self, step: Step, call: Call, record: Call | None, lane: Lane, values: Values, next_: str) -> list[State]:
        then = self.namer.unique(f"{step.name}: record") if record else next_
        unread = None
        if step.outputs and step.keys.undo_when == "completed":
            # The work is done where only its result cannot be read.
            unread = self._noted(lane.handler(step, True), self.exports.tried(step))
        failed = self._handler(step, lane, next_)
        routes = self._routes(step, lane, values, next_)

        def done(made: Call) -> Mapping[str, Data]:
            return self._done(step, made, values)

        states = [*self._task(step.name, step, call, lane, values, done, then, failed, unread, routes)]
        states += [state for catch in step.catches for state in self.states(catch.steps, lane, next_)]
        if record:
            states += self._task(then, step, record, lane, values, lambda _: {}, next_, self._behind(step, lane, next_))
        return states

    def _done(self, step: Step, call: Call, values: Values) -> dict[str, Data]:
        """What is assigned where the call gave its result."""
        own = replace(self.values(values.view.of_outputs()), result=call.result)
        outputs: dict[str, Data] = {output.name: output_data(output, step.document, own) for output in step.outputs}
        assign: dict[str, Data] = {output_variable(step.id): outputs} if outputs else {}
        return {**assign, **self.exports.status(step, "done"), **self.exports.tried(step)}

    def _task(
        self,
        name: str,
        step: Step,
        call: Call,
        lane: Lane,
        values: Values,
        done: Callable[[Call], Mapping[str, Data]],
        next_: str,
        failed: Handler,
        unread: Handler | None = None,
        routes: tuple[Route, ...] = (),
    ) -> tuple[State, ...]:
        caught = self._of_try(lane, values)
        retry = step.keys.retry or ()
        plain = (
            failed.next == lane.ended
            and (unread is None or unread.next == lane.ended)
            and not needs_handler(call, retry, routes)
        )
        place = TaskPlace(
            name,
            step.mark,
            step.id,
            next_,
            None if plain else failed,
            retry,
            done,
            None if plain else unread,
            routes=routes,
            caught=lane.caught,
        )
        return task_states(place, call, caught, lane.tries, self.namer.unique)

    def _of_try(self, lane: Lane, values: Values) -> Values:
        """What a condition on an error of a try sees."""
        return replace(self.values(values.view.of_try()), error=f"${lane.caught}")

    def _routes(self, step: Step, lane: Lane, values: Values, next_: str) -> tuple[Route, ...]:
        caught = self._of_try(lane, values)
        found: list[Route] = []
        for catch in step.catches:
            condition = None if catch.when is None else f"({caught.condition(catch.when).code})"

            def assign(error: str, cause: str) -> Mapping[str, Data]:
                value: dict[str, Data] = {"type": Jsonata(error), "cause": Jsonata(cause)}
                return {variable("error", step.id): value, **self._gone(step)}

            target = self.first(catch.steps[0]) if catch.steps else next_
            found.append(Route(catch.errors, target, assign, condition))
        return tuple(found)

    def _gone(self, step: Step) -> dict[str, Data]:
        """What is assigned where a step failed, and the flow goes on behind it."""
        outputs: dict[str, Data] = {output_variable(step.id): defaults(step)} if step.outputs else {}
        return {**outputs, **self.exports.status(step, "failed"), **self._attempted(step)}

    def _handler(self, step: Step, lane: Lane, next_: str) -> Handler:
        """Where the errors of a step's work go."""
        if step.may_fail_alone:
            gone = self._gone(step)
            return Handler(next_, lambda _error, _cause: gone)
        return self._noted(lane.handler(step, False), {**self.exports.status(step, "failed"), **self._attempted(step)})

    def _behind(self, step: Step, lane: Lane, next_: str) -> Handler:
        """Where the errors go of what belongs to a step whose work is done."""
        if step.may_fail_alone:
            return Handler(next_, lambda _error, _cause: {})
        return lane.handler(step, True)

    def _noted(self, handler: Handler, notes: Mapping[str, Data]) -> Handler:
        return Handler(handler.next, lambda error, cause: {**handler.assign(error, cause), **notes})

    def _attempted(self, step: Step) -> dict[str, Data]:
        return self.exports.tried(step) if step.keys.undo_when == "attempted" else {}

    def _require(self, step: Step, require: RequireKeys, lane: Lane, values: Values, next_: str) -> list[State]:
        failed = self._handler(step, lane, next_)
        refused = self.namer.unique(f"{step.name}: refused")
        condition = values.condition(require.that)
        fail = Fail(refused, step.mark, require.error, cause_of(require.message, values))
        done = self.exports.status(step, "done")
        if failed.next == lane.ended:
            return [Choice(step.name, step.mark, (Rule(condition, next_, done, require.that),), refused), fail]
        inside = self.namer.unique(f"{step.name}: holds?")
        holds = self.namer.unique(f"{step.name}: holds")
        branch = (
            Choice(inside, step.mark, (Rule(condition, holds, comment=require.that),), refused),
            Succeed(holds, step.mark, {}),
            fail,
        )
        return [guarded(step.name, step.mark, branch, done, next_, failed)]

    def _fail(self, step: Step, fail: FailKeys, lane: Lane, values: Values) -> list[State]:
        failed = self._handler(step, lane, "")
        cause = cause_of(fail.message, values)
        if failed.next == lane.ended:
            return [Fail(step.name, step.mark, fail.error, cause)]
        if values.certain(fail.message):
            code = cause.code if isinstance(cause, Jsonata) else literal(cause)
            return [Pass(step.name, step.mark, failed.next, failed.assign(literal(fail.error), code))]
        inside = Fail(self.namer.unique(f"{step.name}: fail"), step.mark, fail.error, cause)
        return [guarded(step.name, step.mark, (inside,), {}, failed.next, failed)]

    def _set(self, step: Step, record: Call | None, lane: Lane, values: Values, next_: str) -> list[State]:
        failed = self._handler(step, lane, next_)
        outputs: dict[str, Data] = {output.name: output_data(output, step.document, values) for output in step.outputs}
        held = output_variable(step.id)
        done = self.exports.status(step, "done")
        then, recording = next_, list[State]()
        if record:
            then = self.namer.unique(f"{step.name}: record")
            recording = list(self._task(then, step, record, lane, values, lambda _: {}, next_, failed))
        certain = all(output_is_certain(output, step.document, values) for output in step.outputs)
        if failed.next == lane.ended or certain:
            return [Pass(step.name, step.mark, then, {held: outputs, **done}), *recording]
        inside = Pass(self.namer.unique(f"{step.name}: values"), step.mark, None, {}, outputs)
        assign = {held: Jsonata("$states.result[0]"), **done}
        return [guarded(step.name, step.mark, (inside,), assign, then, failed), *recording]

    def _wait(self, step: Step, lane: Lane, values: Values, next_: str) -> list[State]:
        wait = step.keys.wait
        done = self.exports.status(step, "done")
        if isinstance(wait, int):
            return [Wait(step.name, step.mark, next_, seconds=wait, assign=done)]
        assert isinstance(wait, UntilKeys)
        failed = self._noted(lane.handler(step, False), self.exports.status(step, "failed"))
        until = values.data(wait.until)
        if failed.next == lane.ended or isinstance(until, str):
            return [Wait(step.name, step.mark, next_, timestamp=until, assign=done)]
        # A text that is no time would end the execution in a way that nothing catches: $toMillis fails before.
        code = values.expression(wait.until).code
        checked = Jsonata(f"($t := {code}; $exists($toMillis($t)) ? $t : $error('the end of the wait is no time'))")
        inside = Wait(self.namer.unique(f"{step.name}: until"), step.mark, None, timestamp=checked)
        return [guarded(step.name, step.mark, (inside,), done, next_, failed)]

    def _switch(self, step: Step, lane: Lane, values: Values, next_: str) -> list[State]:
        default = next_
        done = self.exports.status(step, "done")
        rules: list[Rule] = []
        texts: list[str] = []
        for arm in step.arms:
            target = self.first(arm.steps[0]) if arm.steps else next_
            if arm.when is None:
                default = target
            else:
                rules.append(Rule(values.condition(arm.when), target, done, arm.when))
                texts.append(arm.when)
        failed = self._noted(lane.handler(step, False), self.exports.status(step, "failed"))
        inside = [state for arm in step.arms for state in self.states(arm.steps, lane, next_)]
        if failed.next == lane.ended or all(values.condition_is_certain(text) for text in texts):
            return [Choice(step.name, step.mark, tuple(rules), default, done), *inside]
        taken = variable("arm", step.id)
        number = "".join(f"({rule.condition.code}) ? {index} : " for index, rule in enumerate(rules, 1)) + "0"
        found = Pass(self.namer.unique(f"{step.name}: which?"), step.mark, None, {}, {"arm": Jsonata(number)})
        choice = self.namer.unique(f"{step.name}: arm")
        fence = guarded(step.name, step.mark, (found,), {taken: Jsonata("$states.result[0].arm")}, choice, failed)
        chosen = tuple(
            Rule(Jsonata(f"${taken} = {index}"), rule.next, done, rule.comment) for index, rule in enumerate(rules, 1)
        )
        return [fence, Choice(choice, step.mark, chosen, default, done), *inside]

    def _parallel(self, step: Step, lane: Lane, next_: str) -> list[State]:
        branches = tuple(self._branch(step, branch, lane) for branch in step.branches)
        failure = variable("failed", step.id)
        first = "$sort($states.result[failure != null].failure, function($l, $r) { $l.at > $r.at })[0]"
        assign: dict[str, Data] = {failure: Jsonata(f"($f := {first}; $exists($f) ? $f : null)")}
        for number, branch in enumerate(step.branches):
            assign |= self.exports.taken_in(branch, lane.depth, f"$states.result[{number}]")
        choice, joined = self._join(step, lane, next_)
        failed = self._noted(lane.handler(step, True), self.exports.status(step, "failed"))
        catch = () if failed.next == lane.ended else (Catch((ALL,), failed.next, failed.assign(ERROR, CAUSE)),)
        titles = tuple(branch.name for branch in step.branches)
        return [Parallel(step.name, step.mark, branches, choice, assign, catch=catch, titles=titles), *joined]

    def _loop(self, step: Step, each: ForEachKeys, lane: Lane, values: Values, next_: str) -> list[State]:
        (body,) = step.branches
        states = self._branch(step, body, lane)
        failure, result = variable("failed", step.id), "$states.result"
        first = f"$sort({result}[failure != null].failure, function($l, $r) {{ $l.at > $r.at }})[0]"
        outputs: dict[str, Data] = {}
        failed: Data = Jsonata(f"($f := {first}; $exists($f) ? $f : null)")
        if each.collect:
            told = "$r.failure = null ? null : {'type': $r.failure.type, 'cause': $r.failure.cause}"
            errors: Data = Jsonata(column(result, f"({told})", None), "array")
            failed, outputs = None, {output_variable(step.id): {"errors": errors}}
        if each.may_fail:
            failed = None
        if each.results:
            outputs = {output_variable(step.id): {"results": WRITTEN}}
        assign = {failure: failed, **outputs, **self.exports.listed(body, lane.depth, result)}
        choice, joined = self._join(step, lane, next_)
        # An error of the loop itself, such as of its list, comes before or behind all items; it goes where theirs go.
        error = (
            f"($contains({CAUSE}, {literal(TOO_MANY)}) ? {literal(TOO_MANY)} : {ERROR})" if each.max_items else ERROR
        )
        own: Data = {"type": Jsonata(error), "cause": Jsonata(CAUSE), "at": Jsonata("$millis()")}
        catch = (Catch((ALL,), choice, {failure: own}),)
        items = items_of(each, values)
        selector: dict[str, Data] = {what: Jsonata(_ITEM[what]) for what in self._read_of_items(step)}
        map_ = Map(step.name, step.mark, items, selector, states, choice, each.concurrency, assign, catch=catch)
        if each.distributed:
            map_ = distributed(map_, states[0].name != self.first(body.steps[0]), step, each, values)
        return [map_, *joined]

    def _read_of_items(self, loop: Step) -> list[str]:
        """``index`` and ``item``, as far as anything inside the loop reads them."""
        return sorted(what for id_, what in self.exports.names.items if id_ == loop.id)

    def _join(self, step: Step, lane: Lane, next_: str) -> tuple[str, list[State]]:
        """Where a fork or loop goes on once all of it rests: the name of the choice, and the states from there."""
        failure = variable("failed", step.id)
        failed = self._noted(lane.handler(step, True), self.exports.status(step, "failed"))
        target, handed = failed.next, failed.assign(f"${failure}.type", f"${failure}.cause")
        if step.may_fail_alone:
            target, handed = next_, self.exports.status(step, "failed")
        choice = self.namer.unique(f"{step.name}: failed?")
        rules = [Rule(Jsonata(f"${failure} = null"), next_, self.exports.status(step, "done"))]
        for route in self._routes(step, lane, self.values(self.views[id(step)]), next_):
            names = literal(list(route.errors))
            condition = "true" if ALL in route.errors else f"${failure}.type in {names}"
            caught = route.assign(f"${failure}.type", f"${failure}.cause")
            rules.append(Rule(Jsonata(condition), route.next, caught))
        if target == lane.ended:
            handed = lane.fails(f"${failure}.type", f"${failure}.cause")
        join = Choice(choice, step.mark, tuple(rules), target, handed)
        return choice, [join, *(state for arm in step.catches for state in self.states(arm.steps, lane, next_))]

    def _branch(self, step: Step, branch: Branch, outer: Lane) -> tuple[State, ...]:
        label = f"{step.name}: {branch.name}"
        scope = branch.scope(step)
        done = self.namer.unique(f"{label} done")
        ended = self.namer.unique(f"{label} failed")
        lane = Lane((*outer.frame, scope), lambda _step, _completed: Handler(ended, lane.fails))
        lane.tries.lane = f"_at{lane.depth}"
        body = self.states(branch.steps, lane, done)
        begin = self.exports.entry(branch.steps, lane)
        begin |= {variable(what, step.id): Jsonata(f"$states.input.{what}") for what in self._read_of_items(step)}
        each = step.keys.for_each
        handed: Data = {"failure": None, **self.exports.handed_out(branch, lane.depth)}
        if each and each.results:
            begin |= self.exports.unset(branch)
            handed = self.exports.written(branch)
        states: list[State] = []
        if begin:
            states.append(Pass(self.namer.unique(f"{label} begins"), step.mark, self.first(branch.steps[0]), begin))
        states += body
        states.append(Pass(done, step.mark, None, {}, handed))
        failure = f"${lane.failure}"
        if each and each.may_fail:
            return reachable([*states, Fail(ended, step.mark, Jsonata(f"{failure}.type"), Jsonata(f"{failure}.cause"))])
        gone: Data = {"failure": Jsonata(failure), **self.exports.handed_out(branch, lane.depth)}
        return reachable([*states, Pass(ended, step.mark, None, {}, gone)])


def cause_of(message: str, values: Values) -> str | Jsonata:
    """A message as the cause of an error."""
    data = values.data(message)
    return data if isinstance(data, str) else Jsonata(f"$string({values.expression(message).code})")
