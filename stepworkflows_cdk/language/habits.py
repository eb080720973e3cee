"""Keys that nobody knows here: what other formats call something, what stands one mapping too high or too low, typos."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

from stepworkflows_cdk.language.durations import UNIT_NAMES
from stepworkflows_cdk.language.keys import key_names, model_in

__all__ = ["Around", "hint_for", "inner_models", "slug_of"]

_DEPTH = 3
_SOME = 3
"""So many places are named."""


@dataclass(frozen=True)
class Around:
    """What is around an unknown key: the keys ``allowed`` beside it, and which of them are ``written``; of ``inner``
    mappings the models; the keys of ``outer`` mappings, and the key under which it stands.
    """

    allowed: Collection[str]
    written: Mapping[str, Any] = field(default_factory=dict)
    inner: Iterable[tuple[str, type[BaseModel]]] = ()
    outer: Collection[str] = ()
    under: str = ""


@dataclass(frozen=True)
class _Habit:
    """``names`` of other formats, in small letters, without hyphens; they mean ``key`` where that is allowed."""

    names: str
    key: str
    say: str = ""
    only: str = field(default="", kw_only=True)
    """A key that has to be allowed as well."""
    number: str = field(default="", kw_only=True)
    """The part of ``say`` that a whole number which is written there replaces: ``5m`` where that number has a unit."""


_NO_NEXT = "remove it: the steps of a list follow each other by themselves; `needs` makes another order"
_STEPS = "steps stand in a list: `steps: [{id: charge, ...}, ...]`"
_CODE = "code is `runs-on: lambda` with `zip-file: FOLDER`, or with `arn` where the function is there already"
_ANYWHERE = ("id", "name", "type", "description")
"""Keys that mean something else elsewhere."""
_ASL_TYPE = "Type"
"""What Amazon States Language calls the kind of a state: not our `type`."""
_FLOW = "triggers"
"""A key that only flows have."""
_HABITS = (
    # who may answer a wait
    _Habit(
        "jwt token bearer oidc",
        "function",
        "tokens of an issuer are read for `triggers: {api: ...}` only; here a function of yours can read them: "
        "`{function: NAME}`, with `resources: {NAME: {type: function}}`",
        only="cognito",
    ),
    _Habit(
        "cors origins",
        "method",
        "pages of other origins cannot answer a wait: have the server of the page send the request",
        only="path",
    ),
    # arms of a switch
    _Habit("if condition case unless expression", "when", "write `when` for the condition of an arm", only="else"),
    _Habit("then do actions", "steps", "write `steps` for what an arm does", only="else"),
    _Habit("elseif elif elsif", "when", "write one more arm: `- {when: CONDITION, steps: [...]}`", only="else"),
    _Habit("default otherwise", "else", "write `- {else: [...]}` as the last arm", only="when"),
    _Habit("default otherwise", "switch", "write `- {else: [...]}` as the last arm of a `switch`"),
    _Habit("result results value", "outputs"),
    # work
    _Habit(
        "item attributes fields values row data document",
        "condition",
        "the attributes of a row are `inputs` of the step",
    ),
    _Habit("body payload json data", "url", "the body is `inputs` of the step"),
    _Habit("detail payload data body", "detail-type", "the detail is `inputs` of the step"),
    _Habit("pattern eventpattern", "detail-type", "write `source`, `detail-type` and `match`"),
    _Habit("event type name", "detail-type", only="source"),
    _Habit("body content payload message", "text", "write `text`; what is JSON stands under `inputs` of the step"),
    # contracts
    _Habit("additionalproperties", "maxLength", "remove it: other fields are let through"),
    _Habit(
        "oneof anyof allof not dependentrequired", "maxLength", "leave it out, and check that by a step with `require`"
    ),
    _Habit("nullable", "maxLength", "leave out `type`, or declare it with `required: false`"),
    _Habit("title comment", "description", only="maxLength"),
    # the order
    _Habit("next end goto transition onsuccess", "steps", _NO_NEXT),
    _Habit("startat", "steps", "remove it: the first of `steps` begins"),
    _Habit("dependson depends dependencies after upstream requires runafter", "needs", "write `needs: [ID, ...]`"),
    _Habit("when condition unless onlyif skipif", "if", "write `if: CONDITION`"),
    # flows
    _Habit(
        "on events event schedule cron rate api",
        _FLOW,
        "what starts a flow stands under `triggers`: `triggers: {schedule: {every: 1h}}`",
    ),
    _Habit("jobs tasks states stages actions do activities nodes", "steps", _STEPS),
    _Habit(
        "awstemplateformatversion transform provider service functions stepfunctions definition document "
        "specversion dsl apiversion kind metadata spec",
        _FLOW,
        "a document here is one flow: `name`, `inputs`, `steps`; what is around it, an app of the CDK makes",
    ),
    # what a step does
    _Habit("type", "runs-on", "what a step does, its work key says: `runs-on`, `call`, `wait`, `switch`, ..."),
    _Habit("resource function functionname functionref functionarn lambda uri codeuri code", "runs-on", _CODE),
    _Habit("run script command cmd shell", "runs-on", _CODE),
    _Habit("runtime", "runs-on", 'write `runs-on: {lambda: {python: "3.13"}}`'),
    _Habit("memorysize", "runs-on", "write `runs-on: {lambda: {memory: 512}}`", number="512"),
    _Habit(
        "environment",
        "env",
        "variables stand under `env`; a network, an account and the like under `runs-on`, such as "
        "`runs-on: {lambda: {vpc: main}}`",
    ),
    _Habit("parameters arguments with params args payload body itemselector", "inputs"),
    _Habit("resultpath resultselector outputpath output assign set vars variables register returns", "outputs"),
    _Habit(
        "inputpath", "inputs", "remove it: `inputs` names what the step is given, by references such as `{order_id}`"
    ),
    _Habit(
        "sleep delay pause seconds timestamp secondspath timestamppath",
        "wait",
        "write `wait: 5m`, or `wait: {until: TIME}`",
        number="5m",
    ),
    _Habit(
        "foreach map loop withitems itemspath items each itemprocessor iterator matrix",
        "for-each",
        "write `for-each: {items: LIST}`",
    ),
    _Habit("maxconcurrency maxparallel", "for-each", "write `for-each: {items: LIST, concurrency: 5}`", number="5"),
    _Habit("maxconcurrency maxparallel parallelism", "concurrency"),
    _Habit("branches fork concurrent", "parallel", "write `parallel: {NAME: [...], NAME: [...]}`"),
    _Habit(
        "choices choice branch cases conditions",
        "switch",
        "write `switch: [{when: CONDITION, steps: [...]}, {else: [...]}]`",
    ),
    _Habit("until while loopuntil", "repeat", "write `repeat: {until: CONDITION, max: 10}`"),
    _Habit("error cause raise throw", "fail", "write `fail: {error: NAME, message: TEXT}`"),
    _Habit("comment title summary", "description"),
    # when things go wrong
    _Habit("timeoutseconds timeoutminutes", "timeout", "write `timeout: 5m`", number="5m"),
    _Habit("heartbeatseconds", "heartbeat", "write `heartbeat: 1m`", number="1m"),
    _Habit("continueonerror ignoreerrors allowfailure", "on-error", "write `on-error: continue`"),
    _Habit("retries maxattempts attempts retrypolicy", "retry", "write `retry: {attempts: 3}`", number="3"),
    _Habit("except rescue onfailure onerrors catchers", "catch", "write `catch: [{errors: [NAME], steps: [...]}]`"),
    _Habit("compensate compensation compensatedby rollback", "undo"),
    _Habit("errorequals error on exceptions errortypes types", "errors"),
    _Habit("finally always", "catch", "it is of the whole flow: write it there"),
    _Habit("intervalseconds delay initialdelay", "interval", "write `interval: 2s`"),
    _Habit("maxattempts retries count limit times tries max", "attempts"),
    _Habit("backoffrate multiplier factor", "backoff"),
    _Habit("maxdelayseconds maxdelay", "max-interval"),
    _Habit("jitterstrategy", "jitter", "write `jitter: true`"),
    _Habit("next goto end", "interval", "remove it: another try is of the same step"),
    _Habit("in of over list each collection", "items"),
    _Habit("itemname itemvariable variable loopvar", "as"),
    _Habit("to rate", "every", "write `every: 1h`"),
    _Habit("seconds minutes hours days for duration", "until", "write the duration as it is: `wait: 5m`"),
)
"""The first that fits counts."""


def inner_models(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The keys of a model under which other models are read."""
    for name, each in model.model_fields.items():
        if inner := model_in(each.annotation):
            yield each.alias or name, inner


def hint_for(key: str, around: Around) -> str:
    """What to do about a key that is not allowed where it stands."""
    bare = _bare(key)
    same = next((other for other in around.allowed if _bare(other) == bare), None)
    if same and key != _ASL_TYPE:
        return f"did you mean `{same}`?"
    if one_or_many := next((other for other in around.allowed if {f"{key}s", key.removesuffix("s")} & {other}), None):
        return f"did you mean `{one_or_many}`?"
    if isinstance(around.written.get(key), dict) and len(around.written) == 1 and "id" in around.allowed:
        return f"write `id: {slug_of(key)}`, and beside it what stands inside of this"
    inside = list(dict.fromkeys(_inside(key, around.inner)))
    nearer = [path for path in inside if path[0] in around.written]
    if chosen := [path for path in nearer if _leads(around.written[path[0]], path[1:])] or nearer:
        return _stands_inside(chosen, key)
    for habit in _HABITS:
        allowed = habit.key in around.allowed and (not habit.only or habit.only in around.allowed)
        if allowed and bare in habit.names.split():
            return _as_written(habit, bare, around.written.get(key)) or f"write `{habit.key}`"
    if key in around.outer and key not in _ANYWHERE:
        return f"it stands beside `{around.under}`, not in it"
    if 0 < len(inside) <= _SOME:
        return _stands_inside(inside, key)
    if close := get_close_matches(key, sorted(around.allowed), n=1, cutoff=0.6):
        return f"did you mean `{close[0]}`?"
    listed = ", ".join(f"`{name}`" for name in sorted(around.allowed))
    inside_steps = (
        "; what a step does stands in `steps`" if "steps" in around.allowed and "id" not in around.allowed else ""
    )
    return f"known here: {listed or 'none'}{inside_steps}"


def slug_of(name: str) -> str:
    """An id like the name: ``sendMail`` is ``send-mail``."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()).strip("-")


def _as_written(habit: _Habit, bare: str, value: Any) -> str:
    """What the habit says, with the number that stands there."""
    if not habit.number or not isinstance(value, int) or isinstance(value, bool):
        return habit.say
    unit = habit.number.strip("0123456789") and next((name[0] for name in UNIT_NAMES if name in bare), "s")
    return habit.say.replace(habit.number, f"{value}{unit}")


def _bare(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()


def _inside(key: str, models: Iterable[tuple[str, type[BaseModel]]], depth: int = _DEPTH) -> Iterator[tuple[str, ...]]:
    """The keys that lead to mappings in which the key is known."""
    for name, model in models:
        if key in key_names(model):
            yield (name,)
        elif depth > 1:
            yield from ((name, *path) for path in _inside(key, inner_models(model), depth - 1))


def _leads(value: Any, path: tuple[str, ...]) -> bool:
    """Whether what is written goes on by these keys; a short form names one."""
    if not path:
        return isinstance(value, dict)
    return value == path[0] or (isinstance(value, dict) and path[0] in value and _leads(value[path[0]], path[1:]))


def _stands_inside(paths: Iterable[tuple[str, ...]], key: str) -> str:
    return f"it stands inside another key: {' or '.join(_nested((*path, key)) for path in paths)}"


def _nested(path: tuple[str, ...]) -> str:
    """``runs-on: {lambda: {memory: ...}}``"""
    text = "..."
    for name in reversed(path[1:]):
        text = f"{{{name}: {text}}}"
    return f"`{path[0]}: {text}`"
