"""The models become a page: every key of the documents, its default and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stepworkflows_cdk.language.cases import CaseKeys, ExpectKeys
from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.language.keys import STEP, model_in
from stepworkflows_cdk.language.model import (
    ArmKeys,
    CancelKeys,
    CatchKeys,
    ConcurrencyKeys,
    ConfigKeys,
    DefaultKeys,
    DeployKeys,
    FailKeys,
    FlowKeys,
    ForEachKeys,
    JoinKeys,
    OutputKeys,
    PolicyKeys,
    RemindKeys,
    RepeatKeys,
    RequireKeys,
    ResultsKeys,
    RetryKeys,
    SecretKeys,
    SourceKeys,
    StepKeys,
    StopKeys,
    UntilKeys,
)
from stepworkflows_cdk.language.order import in_order
from stepworkflows_cdk.language.permissions import PermissionKeys
from stepworkflows_cdk.language.work_key import WorkKey

__all__ = ["Example", "manual"]


@dataclass(frozen=True)
class Example:
    """A key as it can be written, and what it becomes."""

    written: str
    becomes: tuple[str, ...]


Examples = Mapping[tuple[type[BaseModel], str], Example]

_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("A flow (`type: RunnableStep`)", FlowKeys),
    ("A step", StepKeys),
    ("An output, in its long form", OutputKeys),
    ("`inputs` of a flow: the contract", Schema),
    ("`retry`", RetryKeys),
    ("`policies`: one policy", PolicyKeys),
    ("`defaults`", DefaultKeys),
    ("`catch`", CatchKeys),
    ("An arm of `switch`", ArmKeys),
    ("`join` of a `parallel`", JoinKeys),
    ("`remind`", RemindKeys),
    ("`for-each`", ForEachKeys),
    ("`source` of a `for-each`", SourceKeys),
    ("`results` of a `for-each`", ResultsKeys),
    ("`repeat`", RepeatKeys),
    ("`wait: {until: ...}`", UntilKeys),
    ("`require`", RequireKeys),
    ("`fail`", FailKeys),
    ("`stop`", StopKeys),
    ("`config`", ConfigKeys),
    ("`tests`: one test", CaseKeys),
    ("`expect` of a test", ExpectKeys),
    ("`deploy`", DeployKeys),
    ("`concurrency`", ConcurrencyKeys),
    ("`cancel`", CancelKeys),
    ("`permissions`: one resource or ARN", PermissionKeys),
    ("`secrets` of a flow", SecretKeys),
)


def manual(integrations: Sequence[WorkKey], examples: Examples) -> str:
    """The page, as Markdown."""
    parts = [*_parts(examples), *_integrations(integrations, examples)]
    return "\n".join([*_head(), *parts, *_references(), *_tries(integrations), *_errors(integrations)]) + "\n"


_REFERENCES = (
    ("{input.user.email}", "a field of the input; `{input}`: all of it"),
    ("{steps.pay.outputs.id}", "an output of a step that surely ran, or has a default"),
    (
        "{steps.pay.status}",
        "`done`, `skipped` or `failed`; a list of these of what runs for each item; `unknown` where a `guard` runs the end",
    ),
    ("{result.detail.id}", "only in a step's own `outputs`: a field of its result; `{result}`: all of it"),
    ("{error.type}", "where an error is handled: its name"),
    ("{error.cause}", "its text; of step code it is JSON: `{% $parse({error.cause}).errorMessage %}`"),
    ("{config.stage}", "a value of `config`"),
    (
        "{resources.orders}",
        "what the service calls it by: the name of a table, a bus or a bucket, the URL of a queue, the ARN of a topic or a connection",
    ),
    ("{secrets.payment}", "only under `secrets` of a step"),
    (
        "{execution.id}",
        "the execution's ARN, with `guard` that of what does the work; also `{execution.name}`, and `{execution.started}` in ISO 8601",
    ),
    ("{step.id}", "the step's id; also `{step.attempt}`, from 1"),
    ("{index}", "in a `for-each`: the number of the item, from 0"),
    (
        "{email}",
        "a bare name: in a step's own `outputs` a field of its result; elsewhere an output of a step, else an input",
    ),
)
_OWN_ERRORS = {
    "InvalidInput": "the input breaks the contract under `inputs`; no step runs, nothing is undone",
    "UndoFailed": "an undo failed for good; the cause names what is left, and the first error",
    "TooManyItems": "a `for-each` has more items than its `max-items`",
    "RepeatExhausted": "no round of a `repeat` was the last one",
    "AllBranchesFailed": "no branch of a `parallel` with `join: any` succeeded; the cause names the error of each",
    "TooFewBranches": "fewer branches of a `parallel` succeeded than its `join` needs",
    "ResultTooLarge": "what the branch of a race gave has more than 16 KiB of JSON; where branches are counted, all together",
    "RequirementFailed": "a `require` without an `error` of its own",
    "Cancelled": "of a flow with `cancel`: a request came before its point of no return; what was done is undone",
    "ConcurrencyLimit": "of a flow with `concurrency`: another execution has the same key; no step runs",
    "ExecutionAborted": "of a flow with `guard`: somebody stopped its execution, without an error's name",
    "States.Timeout": "the step's time is over; of a flow with `guard`: the flow's",
    "States.QueryEvaluationError": "an expression failed, or gave nothing",
}


def _references() -> Iterator[str]:
    yield "## References"
    yield ""
    yield (
        '`"{user.email}"` alone keeps the type of the value; in a text it is joined, and `{{` and `}}` are braces. '
        '`"{% ... %}"` is JSONata, in which references stand as operands. A condition is JSONata as a whole.'
    )
    yield ""
    yield "| reference | meaning |"
    yield "|--|--|"
    yield from (f"| `{reference}` | {meaning} |" for reference, meaning in _REFERENCES)
    yield ""


def _errors(integrations: Sequence[WorkKey]) -> Iterator[str]:
    yield "## Errors"
    yield ""
    yield (
        "Names for `catch`, `retry` and `ignore`: those of step code are its exceptions, those of services are AWS's "
        "(`Lambda.TooManyRequestsException`, `DynamoDb.TransactionCanceledException`), and these:"
    )
    yield ""
    yield "| error | when |"
    yield "|--|--|"
    own = {name: when for integration in integrations for name, when in integration.raises.items()}
    yield from (f"| `{name}` | {when} |" for name, when in sorted({**_OWN_ERRORS, **own}.items()))


def _tries(integrations: Sequence[WorkKey]) -> Iterator[str]:
    yield "## Tried again by default"
    yield ""
    yield (
        "The errors that `transient` means: of throttling, of the service, of the way to it. They are tried again five times, "
        "after 2 seconds and then twice as long each time, at most a minute, each time a random part of it. A rule under "
        "`retry` that names one of them comes before this; with `attempts: 0` it is not tried again. What a service says only "
        "in the text of an error is read there, such as the reasons of a cancelled transaction."
    )
    yield ""
    yield "| work | errors |"
    yield "|--|--|"
    for integration in integrations:
        if integration.transient:
            runtime = f": {integration.runtime}" if integration.runtime else ""
            errors = ", ".join(f"`{error}`" for error in sorted(integration.transient))
            yield f"| `{integration.key}{runtime}` | {errors} |"
    yield ""


def _head() -> Iterator[str]:
    yield "# The keys of the documents"
    yield ""
    yield "Generated from the models by `UPDATE_GOLDEN=1 pytest tests/language/test_manual.py`; a test compares it."
    yield ""
    yield (
        "Each key has an example that compiles, and, behind the arrow, how the compiled flow then differs from the one without "
        "it: fields of states of the machine, what has to exist beside it, who may do what."
    )
    yield ""


def _parts(examples: Examples) -> Iterator[str]:
    for title, model in _PARTS:
        yield from _table(f"## {title}", model, examples)


def _integrations(integrations: Sequence[WorkKey], examples: Examples) -> Iterator[str]:
    for integration in integrations:
        if integration.keys:
            runtime = f": {integration.runtime}" if integration.runtime else ""
            yield from _table(f"## Work: `{integration.key}{runtime}`", integration.keys, examples)
            for field in integration.keys.model_fields.values():
                yield from _nested(field, examples)
        for type_, model in integration.resource_types.items():
            yield from _table(f"## `resources` of the type `{type_}`", model, examples)
            for field in model.model_fields.values():
                yield from _nested(field, examples)
    for integration in integrations:
        for kind, model in integration.triggers.items():
            yield from _table(f"## `triggers`: `{kind}`", model, examples)
            for field in model.model_fields.values():
                yield from _nested(field, examples)


def _nested(field: FieldInfo, examples: Examples) -> Iterator[str]:
    inner = model_in(field.annotation)
    if inner:
        yield from _table(f"### In `{field.alias}`", inner, examples)
        for deeper in inner.model_fields.values():
            yield from _nested(deeper, examples)


def _table(title: str, model: type[BaseModel], examples: Examples) -> Iterator[str]:
    yield title
    yield ""
    yield " ".join((model.__doc__ or "").split())
    yield ""
    if not model.model_fields:
        yield "It has no keys of its own."
        yield ""
        return
    yield "| key | form | default | meaning | example |"
    yield "|--|--|--|--|--|"
    schema = model.model_json_schema()
    forms = schema.get("$defs", {}).get(model.__name__, schema)["properties"]
    fields = {field.alias or name: (name, field) for name, field in model.model_fields.items()}
    for key in in_order(fields, flow=model is FlowKeys) if model in (FlowKeys, StepKeys) else fields:
        name, field = fields[key]
        default = "required" if field.is_required() else _default(field)
        cells = [
            f"`{key}`",
            _form(forms.get(key) or forms[name]),
            default,
            field.description or "",
            _shown(examples.get((model, key))),
        ]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _shown(example: Example | None) -> str:
    if example is None:
        return ""
    return f"`{example.written}`{''.join(f'<br>→ {line}' for line in example.becomes)}"


def _form(schema: Mapping[str, Any]) -> str:
    """What a value looks like."""
    if "anyOf" in schema:
        forms = list(dict.fromkeys(form for each in schema["anyOf"] if (form := _form(each))))
        if _DURATION in forms:
            forms.remove("whole number")
        return " or ".join(forms)
    if schema == STEP or schema.get("items") == STEP:
        return "step" if schema == STEP else "list of steps"
    if str(schema.get("pattern", "")).startswith(_DURATIONS):
        return _DURATION
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    return _FORMS.get(schema.get("type", "object" if "$ref" in schema else "any"), "any value")


_DURATIONS = r"^(?=\d)(\d+d)?"
_DURATION = "duration: `90`, `5m`, `1h30m`, `14d`"
_FORMS = {
    "array": "list",
    "boolean": "truth value",
    "integer": "whole number",
    "null": "",
    "number": "number",
    "object": "mapping",
    "string": "text",
}


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text and text != "{}" else ""
