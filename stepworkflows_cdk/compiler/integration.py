"""The one seam: what a thing that steps can run on or talk to tells the compiler, the CDK and the engine.

An :class:`Integration` owns a work key (``record``, ``call``, ``runs-on`` with a runtime). It says how the key's value looks
(``keys``, a pydantic model), what a step with that key becomes (``plan``), and, for the needs that it plans, how they come to be in
a CDK app (``bind``) and on this machine (``realise``, ``perform``). The last three are called only by the layer that they belong to,
and import what they use when they are called, so that the rest stays free of the CDK and of boto3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel

from stepworkflows_cdk.compiler.added import Added
from stepworkflows_cdk.compiler.plan import Data, Grant, Jsonata, Need, State, Text
from stepworkflows_cdk.compiler.starts import Start, TriggerScope
from stepworkflows_cdk.language.diagnostics import Mark, Problem
from stepworkflows_cdk.language.sent import Sent

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.compiler.ahead import Ahead
    from stepworkflows_cdk.compiler.lock import Lock
    from stepworkflows_cdk.compiler.pages import Pages
    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.language.workflow import Resource, Step, Trigger, Workflow
    from stepworkflows_cdk.local.world import World

__all__ = [
    "CAUSE",
    "ERROR",
    "ROUND",
    "STATE",
    "Blame",
    "Call",
    "Instead",
    "Integration",
    "Part",
    "Scope",
    "Start",
    "TriggerScope",
    "token_of",
]

ERROR = "$states.errorOutput.Error"
CAUSE = "($exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '')"
"""JSONata for what a catcher is given."""
ROUND = "0/* calls before */"
"""JSONata for how often the step's own rules have had the call made again: each a new one, other than a retrier's tries."""
STATE = "$states.context.State.Name"
"""JSONata for the name of the state that makes the call, the same for each try of it."""
# In the form of a UUID, which is within the bounds of every API that has such a token.
_TOKEN = (
    "($h := $hash($states.context.Execution.Id & '/STEP'TURN, 'MD5'); $join([$substring($h, 0, 8), $substring($h, 8, 4),"
    " $substring($h, 12, 4), $substring($h, 16, 4), $substring($h, 20)], '-'))"
)


def token_of(step: Step, scope: Scope, anew: str = "") -> Jsonata:
    """The same text for each try of the step, and for no other execution or item: a service knows a call by it. ``anew`` ends it."""
    return Jsonata(_TOKEN.replace("STEP", step.id).replace("TURN", scope.turn + anew), "string")


@dataclass(frozen=True)
class Call:
    """What a step becomes: one task state, before the planner gives it its name, its retries and its place. With ``then``
    it is the first of a chain, whose last call gives the step's result.
    """

    resource: str | Text
    """What follows ``states:::`` in the ARN of the task: ``lambda:invoke``; or, as a text with holes, a whole ARN."""
    arguments: Data
    result: str = "$states.result"
    """JSONata for the step's result, read in the Assign of the task."""
    timeout: int | None = None
    """Seconds after which Step Functions gives the task up."""
    transient: tuple[str, ...] = ()
    """The errors of this service that a second try may heal; retried by default."""
    transient_when: Mapping[str, str] = field(default_factory=dict)
    """Errors that are transient only where a JSONata condition on ``$cause`` (the error's text) holds."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Names of this service's errors -> the names under which the flow sees them."""
    credentials: Data = None
    """``{"RoleArn": ...}`` where the call is made with a role of another account, which the machine needs ``sts:AssumeRole`` on:
    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html."""
    error: str = ERROR
    cause: str = CAUSE
    """JSONata for the name and the cause of an error, as a catcher finds them."""
    envelope: str = ""
    """The name under which Step Functions reports errors whose own name only ``error`` finds, in the cause; else empty."""
    needs: tuple[Need, ...] = ()
    grants: tuple[Grant, ...] = ()
    instead: Instead | None = None
    """What is called in place of this where it fails in a certain way."""
    heartbeat: int | None = None
    """Seconds without a sign of life after which Step Functions gives the task up."""
    output: Data = field(default_factory=dict)
    """What the next call of a chain finds as ``$states.input``."""
    then: Part | None = None
    """What is called after this."""
    blame: Blame | None = None
    """What finds out why this failed; for a call of a chain."""
    branch: tuple[State, ...] = ()
    """States in place of the task: a branch of their own gets the arguments, and ``result`` reads its list of one output.
    Their names are what stands behind the step's, but for those inside a :class:`Raw`; the first is where they begin."""
    pages: Pages | None = None
    """How further pages of its answer are asked for: by arguments that are an object."""
    beside: bool = False
    """Whether it is not the step's work, but what that takes: what comes from outside a run here does not answer it."""


@dataclass(frozen=True)
class Part:
    """A call of a chain behind its first. ``name`` is what its state is called, behind the step's name.

    Every try of the step begins with the first call of the chain. Needs and grants are those of the first call, default
    tries those of all: an error that is ``transient`` of a call with ``beside`` is tried again where it arose, any other by
    a try of the whole chain.
    """

    name: str
    call: Call


@dataclass(frozen=True)
class Blame:
    """A call that is made where a call of a chain failed, but for its time-out: it reads what the work has left about its
    failure. It gets the output of the failed call.

    ``error`` is JSONata for an object with ``type`` and ``cause`` of the error that the flow sees; there ``$caught`` is the
    same of the error as Step Functions reports it. Where the call fails itself, that stands.
    """

    name: str
    call: Call
    error: str


@dataclass(frozen=True)
class Instead:
    """A second call, made where the first fails with one of ``errors``: its result is then the step's.

    ``name`` is what its state is called, behind the step's name; :data:`STATE` in its arguments still means the first
    call's state. Its needs and grants are those of the first call.
    """

    name: str
    errors: tuple[str, ...]
    call: Call


class Scope(Protocol):
    """What the planner lends an integration while it plans one step."""

    @property
    def machine(self) -> str:
        """The key of the machine that the task is in: the holder of its grants."""
        ...

    @property
    def distinct(self) -> str:
        """Empty, or what a need's id must end with because another step needs the same thing made otherwise."""
        ...

    @property
    def turn(self) -> str:
        """JSONata that, behind a text that singles out the step in its execution, singles out the item at hand as well:
        ``& '/' & ...`` for each loop around the step. Whatever makes a call known again when it is made twice needs it.
        """
        ...

    @property
    def workflow(self) -> Workflow:
        """The flow that the step is in."""
        ...

    def inputs(self) -> Data:
        """What the step is given; for the flow's own code the whole input."""
        ...

    def data(self, value: Any) -> Data:
        """A value of the document, its references and expressions compiled."""
        ...

    def expression(self, value: Any) -> Jsonata:
        """The same as one expression."""
        ...

    def text(self, value: str) -> Text:
        """A string that names only what is fixed at deployment: config, resources, secrets."""
        ...

    def env(self) -> tuple[tuple[str, Text], ...]:
        """The variables for the step's code, ``env`` and ``secrets``, sorted by name."""
        ...

    def resource(self, name: str) -> Need:
        """The need behind a name of ``resources``."""
        ...

    def resources_in(self, value: Any) -> Sequence[Need]:
        """The needs behind all ``{resources.x}`` in a value of the document, each once, in the order of the text."""
        ...

    def arn(self, need: Need) -> Text:
        """The ARN that permissions on the need are given on."""
        ...

    def arn_for(self, need: Need, action: str) -> Text:
        """The ARN that a permission for ``action`` on the need, or on all that is in it, is given on."""
        ...

    def complete_arn(self, arn: str) -> Text:
        """An ARN of the document: `REGION` and `ACCOUNT_ID` are this stack's, references are filled."""
        ...

    def permissions(self, holder: str) -> tuple[Grant, ...]:
        """The step's written ``permissions`` and ``secrets``, given to ``holder``."""
        ...


class Integration:
    """Subclass it, and pass an instance in ``integrations=(*BUILTIN, Mine())``."""

    key: ClassVar[str | None] = None
    """The work key in the document; None for an integration that only owns resources."""
    runtime: ClassVar[str | None] = None
    """For the key ``runs-on``: its value."""
    keys: ClassVar[type[BaseModel] | None] = None
    """The model of the keys of a step that belong to this integration, the work key among them."""
    resource_types: ClassVar[Mapping[str, type[BaseModel]]] = {}
    """Values of ``type`` under ``resources`` -> the model of the other keys there."""
    triggers: ClassVar[Mapping[str, type[BaseModel]]] = {}
    """Kinds under ``triggers`` -> the model of the keys there."""
    exclusive: ClassVar[frozenset[str]] = frozenset()
    """Those of the kinds under ``triggers`` of which no two flows can have the same."""
    access: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """What ``read`` and ``write`` under ``permissions`` mean for this integration's resources: IAM actions."""
    needs: ClassVar[tuple[type[Need], ...]] = ()
    """The needs that this integration binds and realises."""
    tasks: ClassVar[tuple[str, ...]] = ()
    """The beginnings of the task resources that it performs on this machine."""
    transient: ClassVar[tuple[str, ...]] = ()
    """Errors that are tried again by default, for the manual; a call says which of them it can have."""
    raises: ClassVar[Mapping[str, str]] = {}
    """Errors that have a name of this library's: name -> when, for the manual."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """AWS's names of errors -> this library's, by which they are caught."""
    code_keys: ClassVar[frozenset[str]] = frozenset()
    """Which of ``env``, ``secrets`` and ``permissions`` have an effect beside its key."""
    waits: ClassVar[bool] = False
    """Whether a step with its key waits for the outside world, and can have ``on-timeout``."""
    beats: ClassVar[bool] = False
    """Whether whoever does a step with its key can send signs of life, so that it can have a ``heartbeat``."""
    starts_flows: ClassVar[bool] = False
    """Whether the value of its key is the path of another flow's document, which is then ``step.flow``."""
    keeps_time: ClassVar[bool] = False
    """Whether the work has times and tries of its own, of which a flow's defaults say nothing."""
    keeps_secrets: ClassVar[bool] = False
    """Whether it plans what stands under `secrets`, as resources of the type `secret`."""
    records_outputs: ClassVar[bool] = False
    """Whether it writes the outputs called ``DATABASE_...``: see :meth:`plan_outputs`."""
    borrows: ClassVar[Mapping[str, tuple[tuple[str, ...], ...]]] = {}
    """Another work key whose defaults it takes -> the paths of those keys inside the value of its own."""
    keeps_locks: ClassVar[bool] = False
    """Whether it keeps the locks of `concurrency`: see :meth:`plan_lock`."""
    cancels: ClassVar[bool] = False
    """Whether it tells if an execution is to end: see :meth:`plan_ahead`."""
    counts_branches: ClassVar[bool] = False
    """Whether it counts the branches of a race: see :meth:`plan_count`."""

    def takes_whole(self, step: Step) -> bool:
        """Whether one reference or expression can give all `inputs` of the step; :meth:`Scope.inputs` is then that."""
        return False

    def variables(self, step: Step) -> frozenset[str]:
        """Variables that expressions under its key may read beside those that they set: ``states`` in a state as it is."""
        return frozenset()

    def beyond_express(self, step: Step, workflow: Workflow) -> str:
        """The code of the problem that a flow with ``mode: express`` cannot have the step's work; empty where it can."""
        return ""

    def idempotent(self, step: Step) -> bool:
        """Whether the step's work has the same effect where it is done twice by one execution."""
        return False

    def takes_default(self, key: str, step: Mapping[str, Any]) -> bool:
        """Whether a flow's default for ``key`` among the keys of the work fits a step as it is written."""
        return True

    def has_effect(self, step: Step) -> bool:
        """Whether the step's work may change anything outside of the flow."""
        return True

    def gives(self, step: Step) -> frozenset[str] | None:
        """The fields that the step's result can have; None where nobody knows them before a run."""
        return None

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        """What is wrong with the step's work keys beyond their shape."""
        return ()

    def check_isolated(self, step: Step) -> Iterable[Problem]:
        """What is wrong with the step where the stack's network has no way to the Internet, as profiles demand."""
        return ()

    def check_together(self, step: Step, workflow: Workflow, workflows: Sequence[Workflow]) -> Iterable[Problem]:
        """What is wrong with the step's work keys beside the other flows of the definition; ``workflow`` is its own."""
        return ()

    def check_resource(self, resource: Resource, workflow: Workflow) -> Iterable[Problem]:
        """What is wrong with a resource of this integration's types beyond the shape of its keys."""
        return ()

    def plan(self, step: Step, scope: Scope) -> Call:
        """What the step becomes."""
        raise TypeError(f"{type(self).__name__} owns no work key")

    def plan_outputs(self, step: Step, outputs: Mapping[str, Jsonata], scope: Scope) -> Call:
        """Writes values under names into the flow's output table, as one call."""
        raise TypeError(f"{type(self).__name__} records no outputs")

    def plan_count(self, step: Step, branch: str, race: Jsonata, result: Jsonata, scope: Scope) -> Call:
        """Notes that a branch of a race succeeded, with its result as JSON text, under a text that singles out the race. The
        call's result is an object: the name of each branch noted so far -> its result.
        """
        raise TypeError(f"{type(self).__name__} counts no branches")

    def plan_lock(self, workflow: Workflow, key: Jsonata) -> Lock:
        """The calls by which an execution of the flow has its turn for a key: a text of its own for each flow and value."""
        raise TypeError(f"{type(self).__name__} keeps no locks")

    def plan_ahead(self, step: Step, match: Sequence[Jsonata], scope: Scope) -> Ahead:
        """The call by which a step of a flow with `cancel` finds out whether the execution is to end before it."""
        raise TypeError(f"{type(self).__name__} cancels nothing")

    def plan_resource(self, name: str, type_: str, keys: Any, mark: Mark) -> Need:
        """What a resource of the document becomes."""
        raise TypeError(f"{type(self).__name__} owns no resources")

    def trigger_id(self, trigger: Trigger) -> str:
        """What tells the trigger from others of its kind, of what was written: a path, a name."""
        raise TypeError(f"{type(self).__name__} starts no flows")

    def check_trigger(self, trigger: Trigger, workflow: Workflow) -> Iterable[Problem]:
        """What is wrong with a trigger beyond its shape."""
        return ()

    def sends(self, step: Step) -> Iterable[Sent]:
        """What the step sends that may start flows."""
        return ()

    def started_by(self, trigger: Trigger, sent: Sent) -> bool:
        """Whether the trigger may start its flow for what a step sends."""
        return False

    def plan_trigger(self, trigger: Trigger, scope: TriggerScope) -> Start:
        """What the trigger becomes. Its need refers to the machine, so that it is made behind it."""
        raise TypeError(f"{type(self).__name__} starts no flows")

    def identity(self, need: Need) -> Text:
        """What the service's API calls the need by: a table's name, a queue's URL. ``{resources.x}`` means this."""
        raise TypeError(f"{type(self).__name__} owns no resources")

    def arn(self, need: Need) -> Text:
        """The ARN that permissions on the need are given on."""
        raise TypeError(f"{type(self).__name__} owns no resources")

    def arn_for(self, need: Need, action: str) -> Text:
        """The ARN that a permission for ``action`` is given on, where it is not the same for all: a bucket, its files."""
        return self.arn(need)

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        """Creates what ``need`` asks for in a CDK app, or adopts what the caller gave for it."""
        raise TypeError(f"{type(self).__name__} binds nothing")

    def added(self, need: Need) -> Iterable[Added]:
        """What the role of what ``bind`` makes may do besides the grants of the plan, for ``stepworkflows explain``."""
        return ()

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        """Makes what ``need`` asks for on this machine; the attributes that its holes are filled with."""
        raise TypeError(f"{type(self).__name__} realises nothing")

    def notes(self, world: World) -> Iterable[str]:
        """What whoever ran a flow on this machine should know at its end."""
        return ()

    def answer(self, resource: str, value: Any, arguments: Any, world: World) -> Any:
        """What a task gives that is not performed, since ``value`` was given from outside for what its step gives."""
        return value

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        """Does one task on this machine: its result, or a ``TaskFailed`` with the error's name and cause."""
        raise TypeError(f"{type(self).__name__} performs nothing")
