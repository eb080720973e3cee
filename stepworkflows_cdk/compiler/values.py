"""Values of documents become data of the plan: references are looked up and written as JSONata or as holes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepworkflows_cdk.compiler.jsonata import literal, path, text_of
from stepworkflows_cdk.compiler.plan import Data, Hole, Jsonata, Text
from stepworkflows_cdk.language.contract import type_at
from stepworkflows_cdk.language.expressions import tokens
from stepworkflows_cdk.language.references import (
    Expression,
    Part,
    Reference,
    Template,
    parse_condition,
    parse_value,
    strings_in,
)
from stepworkflows_cdk.language.scope import View, resolve
from stepworkflows_cdk.language.targets import (
    ConfigTarget,
    ErrorTarget,
    ExecutionTarget,
    InputTarget,
    ItemTarget,
    Known,
    Loop,
    OutputTarget,
    ResourceTarget,
    ResultTarget,
    SecretTarget,
    StatusTarget,
    StepTarget,
    Target,
)
from stepworkflows_cdk.language.workflow import Output

__all__ = ["ATTEMPT", "Names", "Values", "output_variable", "status_variable", "variable"]

ATTEMPT = "$states.context.State.RetryCount + 1"
"""The number of the try since the state was entered; a task with loops adds the tries before."""

_HARMLESS = frozenset({"string", "number"})
_HARMLESS_WORDS = frozenset("= != ( ) , and or in true false null $_ $not $exists".split())

_EXECUTION = {
    "name": "$states.context.Execution.Name",
    "started": "$states.context.Execution.StartTime",
}


def variable(kind: str, step_id: str, level: int | None = None) -> str:
    """The workflow variable that holds something of a step: ``step_charge``, ``status_charge``, ``tried_charge``.

    A branch cannot assign what an outer scope assigns, so what a branch hands out has another name in each scope
    outside: ``step0_charge`` in the outermost. The beginning keeps it apart from JSONata's functions.
    """
    return f"{kind}{'' if level is None else level}_{step_id.replace('-', '_')}"


def output_variable(step_id: str) -> str:
    """The variable that holds a step's outputs, where the step runs."""
    return variable("step", step_id)


def status_variable(step_id: str) -> str:
    """The variable that holds a step's status, where the step runs."""
    return variable("status", step_id)


@dataclass
class Names:
    """What the values of one machine were seen to read: the entry of the machine sets it up."""

    resources: dict[str, Text] = field(default_factory=dict)
    """Resources named inside expressions: name -> its identity."""
    uncertain: dict[str, None] = field(default_factory=dict)
    """Ids of steps whose outputs are read where they may not have finished."""
    items: set[tuple[str, str]] = field(default_factory=set)
    """Ids of loops, each with ``item`` or ``index``, whichever is read."""
    turns: set[str] = field(default_factory=set)
    """Ids of steps by which something is done again, and of which the number is read."""


@dataclass(frozen=True)
class Values:
    """Compiles the values of one place."""

    view: View
    names: Names
    config: Mapping[str, Any]
    resource: Callable[[str], Text]
    """The identity of a resource: what its service's API calls it by."""
    secret: Callable[[str], Text]
    result: str = "$states.result"
    error: str = "$failure"
    execution: str = "$states.context.Execution.Id"
    """JSONata for the id of the flow's execution."""

    def data(self, value: Any) -> Data:
        """A JSON value with its strings compiled."""
        match value:
            case str():
                return self._string(value)
            case list():
                return [self.data(item) for item in value]
            case dict():
                return {key: self.data(item) for key, item in value.items()}
            case _:
                return value  # type: ignore[no-any-return]  # what is left of JSON: a number, a truth value, null

    def expression(self, value: Any) -> Jsonata:
        """A JSON value as one expression."""
        return Jsonata(self._code(value))

    def whole(self, value: Any) -> Jsonata:
        """The same, which gives nothing where a part of it gives nothing: from an object, JSONata leaves that out."""
        parts = [text for path, text in strings_in(value) if path and not self.certain(text)]
        there = " and ".join(f"$exists({self._code(text)})" for text in parts)
        return Jsonata(f"({there} ? {self._code(value)})") if there else self.expression(value)

    def condition(self, text: str) -> Jsonata:
        """A string that is JSONata as a whole, as a truth value: what is missing is false."""
        code = self._joined(parse_condition(text)).strip()
        return Jsonata("true" if code in ('"true"', "'true'", "true") else f"({code}) and true")

    def condition_is_certain(self, text: str) -> bool:
        """Whether the condition can be evaluated in any case: it only compares values for equality."""
        parts = parse_condition(text).parts
        if not all(self._is_certain(part) for part in parts if isinstance(part, Reference)):
            return False
        code = "".join(part if isinstance(part, str) else "$_" for part in parts)
        return all(token.kind in _HARMLESS or token.text in _HARMLESS_WORDS for token in tokens(code))

    def text(self, value: str) -> Text:
        """A string that is fixed at deployment."""
        parsed = parse_value(value)
        parts = (parsed,) if isinstance(parsed, str) else parsed.parts
        found: list[str | Hole] = []
        for part in parts:
            target = resolve(part, self.view) if isinstance(part, Reference) else None
            match target:
                case None:
                    found.append(str(part))
                case ConfigTarget(name):
                    found.append(_as_text(self.config[name]))
                case ResourceTarget(name):
                    found.extend(self.resource(name).parts)
                case SecretTarget(name):
                    found.extend(self.secret(name).parts)
                case _:
                    raise AssertionError(f"{target} passed the check of what is fixed at deployment")
        return Text(tuple(found))

    def certain(self, value: Any) -> bool:
        """Whether the value surely has a value: it can then be read where no error is caught."""
        match value:
            case str():
                parsed = parse_value(value)
                return isinstance(parsed, str) or all(
                    self._is_certain(part)
                    if isinstance(part, Reference)
                    else isinstance(parsed, Template) or not part.strip()
                    for part in parsed.parts
                )
            case list():
                return all(self.certain(item) for item in value)
            case dict():
                return all(self.certain(item) for item in value.values())
            case _:
                return True

    def _is_certain(self, reference: Reference) -> bool:
        match resolve(reference, self.view):
            case OutputTarget(path=parts, uncertain=uncertain, others=others):
                return uncertain or not (parts or others)
            case InputTarget(path=parts):
                declared = self.view.workflow.keys.inputs or {}
                name = str(parts[0]) if parts else ""
                return not parts or (
                    len(parts) == 1
                    and name in declared
                    and (declared[name].has("default") or not declared[name].optional)
                )
            case ItemTarget(path=parts):
                return not parts
            case ResultTarget() | ErrorTarget():
                return False
            case _:
                return True

    def _string(self, value: str) -> Data:
        parsed = parse_value(value)
        match parsed:
            case str():
                return parsed
            case Template(parts=(Reference() as only,)):
                return self._alone(resolve(only, self.view))
            case Template():
                return self._template(parsed)
            case Expression():
                return Jsonata(self._joined(parsed).strip())

    def _alone(self, target: Target) -> Data:
        match target:
            case ResourceTarget(name):
                return self.resource(name)
            case ConfigTarget(name):
                return self.config[name]  # type: ignore[no-any-return]  # a JSON value, as declared
            case OutputTarget(output=output, path=(), uncertain=uncertain, others=others):
                maybe = bool(uncertain or others or output.has_default) and output.default is None
                return Jsonata(self._target(target), self._type(target), maybe)
            case _:
                return Jsonata(self._target(target), self._type(target))

    def _type(self, target: Target) -> str | None:
        match target:
            case InputTarget(parts):
                return type_at(self.view.workflow.keys.inputs or {}, parts)
            case OutputTarget(Known(each=each), output, (), False, ()) if each or not output.has_default:
                return "array" if each else output.type
            case StatusTarget(Known(each=each)) if each:
                return "array"
            case ItemTarget(index=True):
                return "number"
            case ExecutionTarget() | StatusTarget() | ErrorTarget():
                return "string"
            case _:
                return None

    def _template(self, template: Template) -> Data:
        """Text with references: a plain text where all of them are fixed at deployment, else joined while the flow
        runs.
        """
        targets = [resolve(part, self.view) if isinstance(part, Reference) else part for part in template.parts]
        fixed = [
            part if isinstance(part, str) else _as_text(self._config(part))
            for part in targets
            if isinstance(part, str | ConfigTarget)
        ]
        if len(fixed) == len(targets):
            return "".join(fixed)
        pieces = [literal(part) if isinstance(part, str) else text_of(self._target(part)) for part in targets]
        if not isinstance(targets[0], str):
            pieces.insert(0, '""')
        return Jsonata(" & ".join(pieces), "string")

    def _code(self, value: Any) -> str:
        match value:
            case str():
                data = self._string(value)
                if isinstance(data, Jsonata):
                    return data.code
                if isinstance(data, Text):
                    parsed = parse_value(value)
                    assert isinstance(parsed, Template)
                    return self._part(parsed.parts[0])
                return literal(data)
            case list():
                return self._list(value)
            case dict():
                inside = ", ".join(f"{literal(key)}: {self._code(item)}" for key, item in value.items())
                return f"{{{inside}}}"
            case _:
                return literal(value)

    def _list(self, items: list[Any]) -> str:
        """A list of values. A list among them that is not written out would be flattened by brackets alone."""
        codes = [self._code(item) for item in items]
        if all(self.data(item) == item for item in items):
            return f"[{', '.join(codes)}]"
        whole = "[]"
        for code in codes:
            whole = f"$append({whole}, ($v := {code}; $type($v) = 'array' ? [[$v]] : [$v]))"
        return whole

    def _joined(self, expression: Expression) -> str:
        return "".join(part if isinstance(part, str) else self._part(part) for part in expression.parts)

    def _part(self, part: Part) -> str:
        return part if isinstance(part, str) else self._target(resolve(part, self.view))

    def _target(self, target: Target) -> str:
        match target:
            case InputTarget(parts):
                return path("$input", parts)
            case OutputTarget(known, output, parts, uncertain, others):
                return self._output(known, output, parts, uncertain, others)
            case StatusTarget(known):
                return self.status(known)
            case ItemTarget(loop, parts, index):
                return path(self.item(loop, "index" if index else "item"), parts)
            case ResultTarget(parts):
                return path(text_of(self.result), parts)
            case ErrorTarget(name):
                caught = f"$error_{self.view.catching.replace('-', '_')}" if self.view.catching else self.error
                code = f"{caught}.{name}"
                return f"($exists({code}) ? {code} : null)" if self.view.ending else code
            case ConfigTarget():
                return literal(self._config(target))
            case ResourceTarget(name):
                self.names.resources[name] = self.resource(name)
                return path("$resources", (name,))
            case ExecutionTarget("id"):
                return self.execution
            case ExecutionTarget(name):
                return _EXECUTION[name]
            case StepTarget("attempt"):
                return f"({ATTEMPT})"
            case StepTarget():
                assert self.view.step is not None
                return literal(self.view.step.id)
            case SecretTarget():
                raise AssertionError("a secret passed the check of what is data")

    def _output(
        self, known: Known, output: Output, parts: tuple[str | int, ...], uncertain: bool, others: tuple[Known, ...]
    ) -> str:
        codes = [path(f"${self._variable('step', each)}", (output.name, *parts)) for each in (known, *others)]
        if known.each and any(isinstance(part, str) for part in parts):
            # The field of one item would be that item's, and of none nothing.
            codes = [f"[{code}]" for code in codes]
        if uncertain or others:
            self.names.uncertain.update(dict.fromkeys(each.step.id for each in (known, *others)))
        missing = "[]" if known.each else literal(output.default)
        last = missing if uncertain else codes.pop()
        tries = "".join(f"$exists({code}) ? {code} : " for code in codes)
        return f"({tries}{last})" if tries else last

    def _variable(self, kind: str, known: Known) -> str:
        """The variable as it is called here: a branch's own, or what the join of the branch assigned."""
        common = self.view.shared(known.frame)
        return variable(kind, known.step.id, None if common == len(known.frame) else common)

    def status(self, known: Known) -> str:
        """The status of a step, as JSONata."""
        return f"${self._variable('status', known)}"

    def item(self, loop: Loop, what: str) -> str:
        """The ``item`` or ``index`` of a loop, which it sets variables to."""
        self.names.items.add((loop.id, what))
        return f"${variable(what, loop.id)}"

    def turn(self) -> str:
        """JSONata that goes on from a text with the indices of all items, and the numbers of all turns, that the place is
        inside of.
        """
        # The id of the execution singles out the item of a distributed loop, which sees nothing of what is around it.
        last = max((loop.depth for loop in self.view.loops if loop.distributed), default=-1)
        numbers = [self.item(loop, "index") for loop in self.view.loops if loop.depth > last]
        turns = [turn for turn in self.view.turns if turn.depth > last]
        self.names.turns |= {turn.id for turn in turns}
        numbers += [f"${variable(turn.kind, turn.id)}" for turn in turns]
        return "".join(f" & '/' & $string({number})" for number in numbers)

    def _config(self, target: ConfigTarget) -> Any:
        return self.config[target.name]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else literal(value)
