"""The plan: what a workflow becomes, before it is text. The intermediate representation of the compiler.

A :class:`Plan` holds machines made of states, what they need (:class:`Need`: functions, tables, secrets) and what
they may do (:class:`Grant`). It is frozen, knows no CDK and no AWS client, and says all that ``asl`` and ``bundle``
read.

Values in a plan are JSON, with two kinds of leaves that JSON has not:

* :class:`Jsonata`: an expression, evaluated by Step Functions while the execution runs.
* :class:`Text`: a string with holes, which the deployment (or the run on this machine) fills, such as a table's name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Union

from stepworkflows_cdk.language.diagnostics import Mark

__all__ = [
    "RACE_WON",
    "Catch",
    "Choice",
    "Condition",
    "Data",
    "Deploy",
    "Distribution",
    "Fail",
    "Grant",
    "Hole",
    "Jsonata",
    "MachinePlan",
    "Map",
    "Need",
    "Parallel",
    "Pass",
    "Plan",
    "Raw",
    "Retry",
    "Rule",
    "State",
    "Succeed",
    "Task",
    "Text",
    "Wait",
    "machine_key",
    "need_id",
]


RACE_WON = "RaceWon"
"""The error in which the branch ends that decides a race, and nothing else."""


@dataclass(frozen=True)
class Hole:
    """A value known only where the plan is realised: ``attribute`` of the need with the id ``need``.

    The need ``aws`` always exists, with the attributes ``partition``, ``region`` and ``account``. A machine is spoken
    of like a need, by its :func:`machine_key`: its attribute ``arn`` is what others start, its alias; permissions are
    given on ``machine_arn``; ``name`` is its name.
    """

    need: str
    attribute: str

    @property
    def name(self) -> str:
        """The name of the substitution, letters, digits and ``_`` only: ``table_orders_name``."""
        return f"{self.need}-{self.attribute}".replace("-", "_")


@dataclass(frozen=True)
class Text:
    """A string with holes in it."""

    parts: tuple[str | Hole, ...]

    @property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(part for part in self.parts if isinstance(part, Hole))

    def fill(self, value: Callable[[Hole], str]) -> str:
        """The string, each hole replaced by what ``value`` gives for it."""
        return "".join(value(part) if isinstance(part, Hole) else part for part in self.parts)


@dataclass(frozen=True)
class Jsonata:
    """A JSONata expression, without the ``{% %}`` around it. ``type`` is the JSON type of its value, where that is
    known; ``nullable``: it is an output that may be null, by its default or because its step was skipped.
    """

    code: str
    type: str | None = None
    nullable: bool = field(default=False, compare=False)


Data = Union[None, bool, int, float, str, Jsonata, Text, "list[Data]", "dict[str, Data]"]


@dataclass(frozen=True, kw_only=True)
class Need:
    """Something that has to exist for a machine to run. Each integration has its own subclasses.

    ``id`` is unique in a bundle, made of lower-case letters, digits and hyphens, and comes from what the user wrote,
    never from an order: ``function-charge``, ``table-orders``, ``secret-payment``. ``steps`` are the ids of the steps
    whose work it does, none for what is only read or written.
    """

    id: str
    mark: Mark
    steps: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What holes and grants call it."""
        return self.id

    @property
    def refers_to(self) -> frozenset[str]:
        """The ids of the needs, and the keys of the machines, that have to be there before this one."""
        return frozenset()


def need_id(kind: str, name: str) -> str:
    """The id of a need that a document names: the name itself where it is plain, else as much of it with a digest."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    digest = "" if slug == name else f"-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    return f"{kind}-{slug}{digest}".replace("--", "-")


def machine_key(id_: str) -> str:
    """What holes, grants and constructs call the machine of the flow with that id: like a need's id, and unlike any."""
    return f"machine-{id_}"


@dataclass(frozen=True)
class Condition:
    """What must hold of a request: ``key`` (``s3:prefix``) compares by ``operator`` (``StringLike``) with one of
    ``values``.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """

    operator: str
    key: str
    values: tuple[Text, ...]


@dataclass(frozen=True)
class Grant:
    """One permission: ``holder`` (a machine's key or a function's need id) may do ``actions`` on ``resource``, a
    complete ARN, in requests of which all ``conditions`` hold, sorted by operator and key.

    A ``*`` or ``?`` in the text of the ARN is IAM's wildcard, which the acknowledgements must have a row for; or the
    document a ``reason``.
    """

    holder: str
    actions: tuple[str, ...]
    resource: Text
    mark: Mark
    conditions: tuple[Condition, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Retry:
    """One retrier of a task. Durations are in seconds; ``attempts`` are retries after the first try."""

    errors: tuple[str, ...]
    attempts: int
    interval: int = 2
    backoff: float = 2.0
    max_interval: int | None = 60
    jitter: bool = True


@dataclass(frozen=True)
class Catch:
    """One catcher: on one of ``errors`` assign, then go to ``next``."""

    errors: tuple[str, ...]
    next: str
    assign: Mapping[str, Data] = field(default_factory=dict)
    output: Data = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A call of a service. ``resource`` is what follows ``states:::`` in the resource's ARN, or a text that is the whole
    ARN; ``next`` None ends the machine. ``beside``: the call is not a step's work, but what that takes.
    """

    name: str
    mark: Mark
    resource: str | Text
    arguments: Data
    next: str | None
    assign: Mapping[str, Data] = field(default_factory=dict)
    output: Data = field(default_factory=dict)
    timeout: int | Jsonata | None = None
    retry: tuple[Retry, ...] = ()
    catch: tuple[Catch, ...] = ()
    credentials: Data = None
    """``{"RoleArn": ...}``: the role that the call is made with; None: the machine's own."""
    heartbeat: int | None = None
    beside: bool = False


@dataclass(frozen=True)
class Pass:
    """Sets variables, or gives an output."""

    name: str
    mark: Mark
    next: str | None
    assign: Mapping[str, Data] = field(default_factory=dict)
    output: Data = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """One way out of a choice, taken where ``condition`` is true. ``comment`` is the condition as its author wrote it."""

    condition: Jsonata
    next: str
    assign: Mapping[str, Data] = field(default_factory=dict)
    comment: str = ""


@dataclass(frozen=True)
class Choice:
    """The first rule that holds, else ``default``. The state's input goes through unchanged."""

    name: str
    mark: Mark
    rules: tuple[Rule, ...]
    default: str
    assign: Mapping[str, Data] = field(default_factory=dict)


@dataclass(frozen=True)
class Wait:
    """Waits ``seconds``, or until ``timestamp`` (ISO 8601): one of the two."""

    name: str
    mark: Mark
    next: str | None
    seconds: int | Jsonata | None = None
    timestamp: Data = None
    assign: Mapping[str, Data] = field(default_factory=dict)


@dataclass(frozen=True)
class Succeed:
    """Ends the machine (or a branch) well, with ``output``."""

    name: str
    mark: Mark
    output: Data


@dataclass(frozen=True)
class Fail:
    """Ends the machine (or a branch) with an error."""

    name: str
    mark: Mark
    error: str | Jsonata
    cause: str | Jsonata


@dataclass(frozen=True)
class Parallel:
    """Runs ``branches``, each a list of states that begins with its first, and waits for all. ``titles`` are the names of
    the branches, where they have any.
    """

    name: str
    mark: Mark
    branches: tuple[tuple[State, ...], ...]
    next: str | None
    assign: Mapping[str, Data] = field(default_factory=dict)
    output: Data = field(default_factory=dict)
    retry: tuple[Retry, ...] = ()
    catch: tuple[Catch, ...] = ()
    titles: tuple[str, ...] = ()
    arguments: Data = None
    """What each branch is given; None: what the state is given."""


@dataclass(frozen=True)
class Distribution:
    """What makes each iteration of a map an execution of its own, under ``label``. ``action`` of S3 reads the items, with
    ``arguments``, as ``config`` says; else the map has ``items``. ``shared`` goes to each ``batch`` of so many; ``tolerated``
    executions may fail, a number or a percentage such as ``5%``; their results are written by ``writer``'s arguments.
    """

    label: str
    action: str = ""
    arguments: Data = None
    config: Data = None
    batch: int | None = None
    shared: Data = None
    tolerated: int | str | None = None
    writer: Data = None


@dataclass(frozen=True)
class Raw:
    """A state that is written in the States Language already: ``body`` is all of it. ``caught`` is where its catchers go;
    it ends its machine, or its branch, else. ``inside`` are the states of its own branches, by name and mark.
    """

    name: str
    mark: Mark
    body: Mapping[str, Data]
    caught: str | None = None
    inside: tuple[Raw, ...] = ()


@dataclass(frozen=True)
class Map:
    """Runs ``body``, a list of states that begins with its first, for each of ``items``, at most ``concurrency`` at the
    same time; None: as many as can be. Its input is what ``selector`` makes of an item: only there the context has one.
    """

    name: str
    mark: Mark
    items: Data
    selector: Data
    body: tuple[State, ...]
    next: str | None
    concurrency: int | None = None
    assign: Mapping[str, Data] = field(default_factory=dict)
    output: Data = field(default_factory=dict)
    catch: tuple[Catch, ...] = ()
    distribution: Distribution | None = None


State = Union[Task, Pass, Choice, Wait, Succeed, Fail, Parallel, Map, Raw]


@dataclass(frozen=True)
class Deploy:
    """How a new version of a machine comes into use: who gets it at once, and what takes it back.

    ``percentage`` of new executions and ``interval`` in minutes belong to the strategies ``canary`` and ``linear``.
    ``watched``: whether executions that fail while it comes into use take it back; ``alarms`` are names of alarms that do
    so as well.
    """

    alias: str = "live"
    strategy: str = "all-at-once"
    percentage: int | None = None
    interval: int | None = None
    watched: bool = False
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class MachinePlan:
    """One state machine. The first state is where it starts; ``timeout`` in seconds ends the whole execution.

    ``comments`` are for readers: state -> what its step is described as.
    """

    id: str
    mark: Mark
    comment: str
    states: tuple[State, ...]
    timeout: int | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    deploy: Deploy = field(default_factory=Deploy)
    express: bool = False
    """Whether its executions are of the short kind."""
    inner: bool = False
    """Whether another machine waits for its executions, and tells of them as its own."""


@dataclass(frozen=True)
class Plan:
    """All that a workflow becomes. The first machine is the one that is started."""

    machines: tuple[MachinePlan, ...]
    needs: tuple[Need, ...]
    grants: tuple[Grant, ...]
    origins: Mapping[str, tuple[Mark, ...]]
    """Need id -> every place that asks for it."""
