"""The keys of the documents and the shapes of their values, as pydantic models: errors, schema and reference come
from here.

The keys of a step's work (``runs-on``, ``record``, ``call`` ...) are not here: each integration brings its own model.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from stepworkflows_cdk.language.cases import CaseKeys
from stepworkflows_cdk.language.contract import SchemaEntry, by_name
from stepworkflows_cdk.language.durations import UNIT_NAMES, Duration, parse_duration
from stepworkflows_cdk.language.each import ForEachKeys, ResultsKeys, SourceKeys
from stepworkflows_cdk.language.keys import ID, STEP, ErrorName, Inputs, Keys, Steps, StepValue, alias
from stepworkflows_cdk.language.permissions import Permissions
from stepworkflows_cdk.language.policies import DefaultKeys, PolicyKeys, Retry, RetryKeys
from stepworkflows_cdk.language.race import Join, JoinKeys

__all__ = [
    "NO_UNDO",
    "ArmKeys",
    "CancelKeys",
    "CatchKeys",
    "ConcurrencyKeys",
    "ConfigKeys",
    "DefaultKeys",
    "DeployKeys",
    "FailKeys",
    "FlowKeys",
    "ForEachKeys",
    "JoinKeys",
    "Keys",
    "OutputKeys",
    "PolicyKeys",
    "RemindKeys",
    "RepeatKeys",
    "RequireKeys",
    "ResultsKeys",
    "RetryKeys",
    "SecretKeys",
    "SourceKeys",
    "StepKeys",
    "StopKeys",
    "UntilKeys",
    "alias",
    "key_type",
]


def _several(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Triggers = Annotated[list[Any], BeforeValidator(_several, json_schema_input_type=dict[str, Any] | list[dict[str, Any]])]


class RequireKeys(Keys):
    """A rule of the business that must hold."""

    that: str = Field(description="The condition.")
    error: ErrorName = Field("RequirementFailed", description="The error's name.")
    message: str = Field("", description="What the caller is told.")


class FailKeys(Keys):
    """The end, with an error."""

    error: ErrorName = Field(description="The error's name.")
    message: str = Field("", description="What the caller is told.")


class CatchKeys(Keys):
    """Steps that run where a step fails with one of the errors; then the flow goes on behind it."""

    errors: list[str] = Field(
        default_factory=lambda: ["States.ALL"], min_length=1, description="Names of errors; default: all."
    )
    when: str | None = Field(None, description="A condition on `{error.type}` and `{error.cause}`.")
    steps: Steps = Field(min_length=1, description="What runs instead.")


class RepeatKeys(Keys):
    """Does the work, or the `steps`, again until a condition holds."""

    until: str = Field(description="The condition for the end; it may read `{result}` and the step's own outputs.")
    every: Duration | None = Field(None, description="The time between two rounds; default: none.")
    max: int = Field(ge=1, le=10_000, description="So many rounds at most; then it fails as `RepeatExhausted`.")


class StopKeys(Keys):
    """The end, early and well."""

    outputs: dict[str, Any] = Field(default_factory=dict, description="The result of the execution.")


class ArmKeys(Keys):
    """One way of a `switch`: `when` with a condition, or `else` at the end."""

    when: str | None = Field(None, description="The condition; the first arm that holds is taken.")
    steps: Steps | None = Field(None, description="The steps of the arm.")
    else_: Steps | None = Field(None, description="The steps where no arm holds; `[]`: none, and that is meant.")


class RemindKeys(Keys):
    """Steps that run each time a wait has lasted so long again, and then it goes on for the rest of its time."""

    every: Duration = Field(description="The time between the beginning of the wait, or a reminder, and the next.")
    steps: Steps = Field(min_length=1, description="What runs, such as a mail.")


class UntilKeys(Keys):
    """A wait for a point in time."""

    until: str = Field(description="A time such as `2026-01-31T12:00:00Z`, as a rule a reference.")


def _until(value: Any) -> Any:
    return value if isinstance(value, dict) and not set(value) <= set(UNIT_NAMES) else parse_duration(value)


class OutputKeys(Keys):
    """The long form of an output."""

    value: Any = Field(description="A literal, a reference or an expression.")
    type: Literal["string", "number", "integer", "boolean", "object", "array"] | None = Field(
        None, description="Checked while the flow runs."
    )
    default: Any = Field(None, description="The value after a caught error, or where any part of the value is missing.")


class StepKeys(Keys):
    """The keys of any step inside a flow, its work keys left out."""

    version: Literal[1] | None = Field(None, description="The version of the language.")
    id: str | None = Field(None, pattern=ID, description="Unique in the document; default: made from the name.")
    name: str | None = Field(None, min_length=1, max_length=80, description="The name of its state; default: the id.")
    description: str | None = Field(None, description="For readers; it becomes the state's comment.")
    type: Literal["ActorStep", "RunnableStep"] | None = Field(
        None,
        description="`ActorStep` is the default inside `steps`; a step with `steps` is a group, whatever its type.",
    )
    inputs: Inputs | None = Field(
        None,
        description="What the step is given: name -> value. Where it does not matter what is in it, one reference or "
        'expression gives all of it: `inputs: "{event.detail}"`.',
    )
    outputs: dict[str, Any] | None = Field(None, description="What the step gives to the steps behind it.")
    env: dict[str, str] | None = Field(
        None, description="Environment variables of the step's code, fixed at deployment."
    )
    timeout: Duration | None = Field(None, description="The longest time that the work may take.")
    heartbeat: Duration | None = Field(
        None, description="For `runs-on: activity`: the longest time without a sign of life from the worker."
    )
    retry: Retry | None = Field(None, description="When to try again, one rule or a list; comes before the default.")
    policy: str | None = Field(
        None,
        description="The name of a policy of the flow, which gives `retry` and `timeout` where they are not written.",
    )
    on_error: Literal["continue"] | None = Field(
        None, description="`continue`: an error of this step does not end the flow."
    )
    undo: str | Annotated[dict[str, Any], WithJsonSchema(STEP)] | None = Field(
        None,
        description="The step that undoes this one, or its name under `undo-steps`; `none`: what this one did may stay.",
    )
    undo_when: Literal["attempted", "completed"] = Field(
        "attempted", description="Whether the step is undone also where it failed itself."
    )
    pivot: bool = Field(False, description="The point of no return: after it nothing is undone.")
    ignore: list[str] | None = Field(None, description="For an undo step: errors that mean there is nothing to undo.")
    secrets: dict[str, str] | None = Field(
        None, description="Environment variable -> `{secrets.x}`; it holds the secret's ARN."
    )
    permissions: Permissions | None = Field(
        None,
        description="Resource or ARN -> `read`, `write` or exact IAM actions, one or a list, for the step's own code, or for its "
        "`call`.",
    )
    needs: list[str] | None = Field(
        None,
        description="Ids of steps of the same list: the step begins once these have ended, and is skipped where one of them "
        "is. `[]`: at once. Without it, a step waits for all steps before it in its list.",
    )
    if_: str | bool | None = Field(
        None,
        description="A condition; where it does not hold the step is skipped. It comes before the step: where it cannot be "
        "evaluated, that is no error of the step, but of what the step is in, whose handlers take it.",
    )
    catch: list[CatchKeys] | None = Field(
        None, min_length=1, description="What runs where the step fails; not where its `if` does."
    )
    on_timeout: Literal["fail", "continue"] | Steps | None = Field(
        None,
        description="For `wait-for`: what becomes of a wait that nobody ends. `fail` (the default), `continue`, or steps to run.",
    )
    remind: RemindKeys | None = Field(None, description="For `wait-for`: what is done while nobody ends the wait.")
    for_each: ForEachKeys | None = Field(
        None,
        description="Does the step's work, or its `steps`, once for each item of a list. Outside, the outputs are lists.",
    )
    repeat: RepeatKeys | None = Field(
        None, description="Does the step's work, or its `steps`, again until a condition holds."
    )
    steps: Steps | None = Field(
        None,
        min_length=1,
        description="Steps that are one: `if`, `retry`, `catch`, `undo`, `for-each` and `repeat` then apply to the whole.",
    )
    switch: list[ArmKeys] | None = Field(
        None, min_length=1, description="Runs the steps of the first arm whose condition holds."
    )
    parallel: dict[str, Steps] | None = Field(
        None, min_length=1, description="Branches that run at the same time: name -> steps."
    )
    fail_fast: bool = Field(
        False,
        description="For `parallel` and `for-each`: the first error ends the whole at once. Code that other branches have "
        "started runs on, unseen; so nothing in them can have an `undo`.",
    )
    join: Join | None = Field(
        None,
        description="For `parallel`: `any` waits for the first branch that succeeds, whose outputs and name (`winner`) are "
        "then the `result`; `{at-least: n}` for so many, an object of each one's outputs and their names (`winners`). "
        "Default: all.",
    )
    wait: Annotated[int | UntilKeys, BeforeValidator(_until, json_schema_input_type=Duration | UntilKeys)] | None = (
        Field(None, description="A duration, or `{until: TIME}`.")
    )
    require: RequireKeys | None = Field(None, description="Refuses with a business error unless a condition holds.")
    fail: FailKeys | None = Field(None, description="Ends the flow with an error.")
    stop: StopKeys | None = Field(None, description="Ends the flow early and well.")


class SecretKeys(Keys):
    """A secret that the flow depends on. Its value is never in a document."""

    description: str = Field("", description="For whoever has to fill it in.")


class ConfigKeys(Keys):
    """A value that is fixed when the flow is compiled."""

    type: Literal["string", "number", "integer", "boolean"] = Field("string", description="Its JSON type.")
    default: Any = Field(None, description="The value where none is given.")
    allowed: list[Any] | None = Field(None, min_length=1, description="The only values allowed.")
    description: str = Field("", description="For readers.")


def _alias(value: str) -> str:
    if not re.fullmatch(r"(?=.*[A-Za-z_.-])[A-Za-z0-9_.-]{1,80}", value):
        raise ValueError("letters, digits, `_`, `.` and `-`, at most 80, and not digits alone")
    return value


def _alarms(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        return value
    raise ValueError("true, false, or a list of the names of alarms")


class DeployKeys(Keys):
    """How a new version of the flow comes into use. Executions that run go on with the version that they began with."""

    alias: Annotated[str, AfterValidator(_alias)] = Field(
        "live", description="The name that executions are started by, whatever the version."
    )
    strategy: Literal["all-at-once", "canary", "linear"] = Field(
        "all-at-once",
        description="Who gets the new version: all new executions, or at first a part of them. `canary`: one part for a "
        "time, then all; `linear`: another part each time.",
    )
    percentage: int | None = Field(
        None, ge=1, le=99, description="The part of the new executions, for `canary` and `linear`; default: 10."
    )
    interval: Duration | None = Field(
        None, description="The time between two parts, for `canary` and `linear`, in whole minutes; default: 5m."
    )
    alarms: Annotated[bool | list[str] | None, BeforeValidator(_alarms, json_schema_input_type=bool | list[str])] = (
        Field(
            None,
            description="What takes a new version back. `true`: executions that fail or time out while it comes into use; "
            "a list: also these alarms of CloudWatch, by name. Default: `true` for `canary` and `linear`.",
        )
    )


class ConcurrencyKeys(Keys):
    """At most one execution of the flow at a time for each key. Those that wait have no order."""

    key: str = Field(min_length=1, description="What is compared, as a rule a reference such as `{user.email}`.")
    mode: Literal["queue", "reject"] = Field(
        "queue",
        description="What becomes of another one: it waits for its turn, looking after at most five minutes each time, or "
        "fails as `ConcurrencyLimit` before any step.",
    )


class CancelKeys(Keys):
    """A request that ends an execution: what was done is undone, and the flow fails as `Cancelled`. It is looked for before
    each step that can be undone, and before the point of no return, behind which it comes too late; it ends waits.
    """

    signal: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$", description="The name of the signal.")
    match: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$")], Any] = Field(
        min_length=1,
        description="Field of the signal's data -> the value that it must have, of the flow's input. Together they single out "
        "the execution.",
    )


def _key(value: Any) -> Any:
    return {"key": value} if isinstance(value, str) else value


class FlowKeys(Keys):
    """The keys of a RunnableStep, the work keys of its own code left out."""

    version: Literal[1] | None = Field(None, description="The version of the language.")
    id: str | None = Field(None, pattern=ID, description="The flow's id; default: made from the name.")
    name: str | None = Field(None, min_length=1, max_length=80, description="The flow's name.")
    description: str | None = Field(None, description="For readers; it becomes the machine's comment.")
    type: Literal["RunnableStep"] | None = Field(None, description="`RunnableStep`: it can be started.")
    inputs: Annotated[dict[str, SchemaEntry] | None, BeforeValidator(by_name)] = Field(
        None, description="The contract of the input, checked before any step; `{}` is open."
    )
    outputs: dict[str, Any] | None = Field(None, description="The result of the execution.")
    triggers: dict[str, Triggers] | None = Field(
        None, description="What starts the flow, by kind; one of each, or a list."
    )
    steps: Steps | None = Field(None, description="The steps, in order.")
    resources: dict[str, Any] | None = Field(None, description="What the flow depends on, by name.")
    config: dict[str, ConfigKeys] | None = Field(None, description="Values fixed when the flow is compiled.")
    secrets: dict[str, SecretKeys] | None = Field(None, description="The secrets that the flow depends on.")
    undo_steps: dict[str, StepValue] | None = Field(None, description="Undo steps, by name.")
    on_failure: Steps | None = Field(None, description="Steps that run, after the undoing, where the flow fails.")
    finally_: Steps | None = Field(None, description="Steps that run at the end in any case, after all else.")
    timeout: Duration | None = Field(None, description="The longest time that an execution may take.")
    guard: bool = Field(
        False,
        description="`true`: `on-failure` and `finally` run also where nothing inside the flow can catch its end: its execution "
        "is aborted, its time is over, or its data grow too large. Then nothing is undone.",
    )
    concurrency: Annotated[
        ConcurrencyKeys | None, BeforeValidator(_key, json_schema_input_type=str | ConcurrencyKeys)
    ] = Field(None, description="Whether executions with the same key run one after another; short form: the key.")
    cancel: CancelKeys | None = Field(None, description="What ends an execution before its point of no return.")
    mode: Literal["standard", "express"] = Field(
        "standard",
        description="`express`: executions of at most five minutes, for many at little cost, that may run twice and leave "
        "only logs. It excludes what waits: tokens, containers, workers, distributed loops.",
    )
    policies: dict[str, PolicyKeys] | None = Field(
        None, description="Named sets of `retry` and `timeout`, which steps take by `policy: NAME`."
    )
    defaults: dict[str, Any] | None = Field(
        None, description="What steps have that do not say otherwise, by work key or for all of them."
    )
    tags: dict[str, str] | None = Field(
        None, description="Tags of everything that is made for the flow; values may name `{config.x}`."
    )
    tests: dict[str, CaseKeys] | None = Field(
        None, description="Runs of the flow, and what has to come of them: `stepworkflows test`."
    )
    deploy: DeployKeys | None = Field(None, description="How a new version of the flow comes into use.")
    env: dict[str, str] | None = Field(None, description="Environment variables of the flow's own code.")
    retry: Retry | None = Field(None, description="For the flow's own code.")
    permissions: Permissions | None = Field(None, description="For the flow's own code.")


NO_UNDO = "none"
"""What `undo` says of a step that needs none."""


def key_type(value: Any) -> str:
    """The JSON type of a value, as ``type`` names it."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "null"
