"""A workflow in a CDK app: documents in, a state machine with all that it needs out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias, cast

from aws_cdk import Annotations, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct, IConstruct

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.config import declared_config, from_text
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bundle import BoundBundle, bind_bundle
from stepworkflows_cdk.constructs.executions import Executions, ImportedWorkflow
from stepworkflows_cdk.constructs.names import check_names, in_account, unknown_name
from stepworkflows_cdk.constructs.network import network
from stepworkflows_cdk.constructs.operation import operate
from stepworkflows_cdk.constructs.profile import BASELINE, Profile
from stepworkflows_cdk.constructs.rotation import Rotation
from stepworkflows_cdk.constructs.settings import Settings
from stepworkflows_cdk.constructs.space import WorkflowSpace
from stepworkflows_cdk.definition import Definition, Source, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.integrations.api.needs import ApiNeed
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.integrations.waits.keys import WaitForKeys, spec_of
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.ids import StepId, WrongId, guarded_id, meant, shown
from stepworkflows_cdk.objects import Step

__all__ = ["Documents", "StepConstructs", "StepWorkflow"]

Documents: TypeAlias = Definition | Source | Sequence[Source]


@dataclass(frozen=True)
class StepConstructs:
    """What one step became."""

    id: str
    _work: IConstruct | None

    @property
    def function(self) -> lambda_.IFunction:
        """The function that the step's code runs in, which other steps may share. None: a ``ConfigurationError``."""
        return cast(lambda_.IFunction, self._made("function_arn", "function: no code of its own runs in one"))

    @property
    def container(self) -> ecs.TaskDefinition:
        """The task definition of the container that the step runs in. None: a ``ConfigurationError``."""
        return cast(ecs.TaskDefinition, self._made("task_definition_arn", "container: it does not run in one"))

    @property
    def security_group(self) -> ec2.ISecurityGroup:
        """The group of the container that the step runs in; in the stack's private network, that of all in it. None: a
        ``ConfigurationError``.
        """
        around = cast(Construct, self.container.node.scope)
        own = around.node.try_find_child("SecurityGroup")
        return cast(ec2.ISecurityGroup, own) if own is not None else network(around).functions

    @property
    def activity(self) -> sfn.IActivity:
        """The activity that workers ask for the step's work. None: a ``ConfigurationError``."""
        return cast(sfn.IActivity, self._made("activity_arn", "activity: no worker does it"))

    def _made(self, attribute: str, what: str) -> IConstruct:
        if not hasattr(self._work, attribute):
            raise ConfigurationError(f"step {self.id!r} has no {what}")
        return cast(IConstruct, self._work)


class StepWorkflow(Executions, Construct):
    """A Step Functions state machine made from step documents, with its functions, tables, secrets and permissions.

    A package that carries a flow makes a class of it, which takes the same arguments but for the documents::

        class Greeting(StepWorkflow):
            documents = Path(__file__).parent / "greet.yaml"
    """

    documents: ClassVar[Documents | None] = None

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        definition: Documents | None = None,
        resources: Mapping[str, object] | None = None,
        secrets: Mapping[str, secretsmanager.ISecret] | None = None,
        config: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        integrations: Sequence[Integration] = BUILTIN,
        space: WorkflowSpace | None = None,
        alarms: sns.ITopic | None = None,
        failures: int = 1,
        notify: bool = True,
        dashboard: bool = True,
        log_retention: logs.RetentionDays | None = None,
        log_data: bool = False,
        profile: str | Profile | None = None,
        rotations: Mapping[str, Rotation] | None = None,
        secrets_key: kms.IKey | None = None,
    ) -> None:
        """
        :param definition: a :class:`Definition`, or the path of a document, or a :class:`~stepworkflows_cdk.Workflow`, or
            several of these. Paths are absolute: ``Path(__file__).parent / "workflow.yaml"``. Default: the ``documents`` of
            the class.
        :param resources: your own constructs for names under ``resources`` in the document, such as a
            ``dynamodb.ITable``. Default: each is created, and retained when the stack is deleted.
        :param secrets: your own secrets for names under ``secrets``. Default: each is created with a placeholder value.
        :param config: values for names under ``config``. Default: those in the CDK context under
            ``stepworkflows:NAME`` (``cdk deploy -c stepworkflows:stage=prod``), else those in the document.
        :param overrides: changes to steps of the documents, by their ids: the keys of the step to replace or, by None, to
            remove; mappings are merged. ``{"charge": {"zip-file": Path(__file__).parent / "my_charge"}}``.
        :param integrations: what steps can run on or talk to, for reading paths. Default: all of this package. A
            :class:`Definition` has its own.
        :param space: what it shares with other workflows, the same for all of a stack. Default: what those of its stack share.
        :param alarms: the topic that alarms and messages about executions go to. An imported one has to let
            ``cloudwatch.amazonaws.com`` and ``events.amazonaws.com`` publish. Default: one that the stack's workflows share,
            encrypted with a key of its own (1 dollar a month); subscribe to ``alarm_topic``.
        :param failures: how many executions that fail (or time out) within five minutes raise the alarm; within one minute,
            while a watched deployment goes on, they take it back. Default: 1. A flow that refuses as a matter of
            business, with ``require`` or ``fail``, wants more.
        :param notify: whether each execution that fails, times out or is aborted is told to the topic, by name, status and
            link, without its data. Default: yes.
        :param dashboard: whether there is a page of graphs (3 dollars a month behind the account's third). Default: yes.
        :param log_retention: how long the logs of the machine, its functions and containers are kept. Default: as the
            profile demands, three months for the baseline.
        :param log_data: whether the log has the input and output of every state as well. Whoever reads the log reads
            these, and they stay as long as it does: leave it off where data is personal or secret. Default: no.
        :param profile: what compliance demands: ``"baseline"``, ``"hipaa"``, ``"pci"``, ``"nist"``, or a
            :class:`Profile`, whose module tells what each costs. All flows of a stack have the same. Default: the
            space's, else the baseline, which passes cdk-nag's AwsSolutions and Serverless.
        :param rotations: how secrets that are created here get new values, by their names under ``secrets``:
            ``{"payment": Rotation(my_function, Duration.days(30))}``. Default: they keep what is put in.
        :param secrets_key: the KMS key that secrets created here are encrypted with. Default: the stack's key, where
            the profile demands one, else that of AWS for Secrets Manager.

        Faults in the documents are a :class:`DocumentError` with all of them; names or values that do not fit the
        documents a :class:`ConfigurationError`; code that cannot be packaged a :class:`PackagingError`.
        """
        settings = Settings(
            alarms=alarms,
            failures=failures,
            notify=notify,
            dashboard=dashboard,
            log_retention=log_retention,
            log_data=log_data,
            profile=_profile(profile, space),
            space=space,
            rotations=rotations,
            secrets_key=secrets_key,
        )
        chosen = definition if definition is not None else self.documents
        if chosen is None:
            raise ConfigurationError('definition: no documents are given; pass Path(__file__).parent / "workflow.yaml"')
        loaded = _load(chosen, integrations, overrides or {}, space.library if space is not None else {})
        if _isolated(settings.profile, space):
            loaded.refuse(_isolation_problems(loaded))
        bundle = compile_workflow(loaded, config={**_context(scope, loaded), **(config or {})})
        # Only now: whatever is wrong with the documents is found without a call into the CDK, whose tracebacks hide it.
        super().__init__(scope, construct_id)
        for problem in loaded.report.problems:
            Annotations.of(self).add_warning_v2(f"stepworkflows:{problem.code}", f"{problem.mark} {problem.message}")
        bound = bind_bundle(
            self,
            bundle,
            integrations=loaded.integrations,
            resources=resources,
            secrets=secrets,
            settings=settings,
        )
        if log_data:
            message = "the logs of this workflow hold the input and output of every state, personal data among them"
            Annotations.of(self).add_warning_v2("stepworkflows:log-data", message)
        operated = operate(self, bound.machines.values(), _functions(bundle, bound), settings)
        self.state_machine: sfn.StateMachine = bound.main.state_machine
        """The machine that is started: by ``alias``. What starts the machine itself gets the newest definition at once, also
        while a canary still tries it."""
        guarded = bound.machines.get(guarded_id(bound.main.id))
        self.guarded = guarded.state_machine if guarded is not None else None
        self.role: iam.Role = bound.main.role
        """The machine's role. Add to it what the documents cannot know."""
        self.log_group: logs.LogGroup = bound.main.log_group
        """The machine's log: every event, without the data of the execution unless ``log_data`` asks for it."""
        self.alias: sfn.CfnStateMachineAlias = bound.main.alias
        """What executions are started by: the name that leads to the version in use."""
        self.start_arn: str = bound.main.alias.ref
        self._alias_name = bound.main.alias_name
        self.version: sfn.CfnStateMachineVersion = bound.main.version
        """The version of the machine that this deployment publishes."""
        self.alarm_topic: sns.ITopic = operated.topic
        """Where alarms and messages about executions go: subscribe to it."""
        self.alarms: tuple[cloudwatch.Alarm, ...] = operated.alarms
        """The alarms, the one on the stack's dead letters last."""
        self.dashboard: cloudwatch.Dashboard | None = operated.dashboard
        """The page of graphs, None without one."""
        self.steps: Mapping[str, StepConstructs] = _Steps(_steps(bundle, bound))
        """What each step became, by its id; by ``flow/step`` where several flows have such a step."""
        self.resources: Mapping[str, IConstruct] = _Named(
            "resources", {name: bound.bindings[id_].construct for name, id_ in bound.resources.items()}
        )
        """The constructs behind the document's ``resources``, created or yours."""
        self.secrets: Mapping[str, secretsmanager.ISecret] = _Named(
            "secrets",
            {name: cast(secretsmanager.ISecret, bound.bindings[id_].construct) for name, id_ in bound.secrets.items()},
        )
        """The secrets behind the document's ``secrets``, created or yours."""
        self.signal_source: str = f"{in_account(self)}/{bundle.main.id}"
        """The source of the events that are signals to this workflow. A signal is an event on the account's default bus with
        this source, with the signal's name as its detail type, and with the data as its detail: see ``grant_signal``."""
        self._signals = frozenset(_signals(loaded))
        self.api: apigateway.RestApi | None = _api(bundle, bound)
        """The API that starts the workflow, one for the stack; None without ``triggers: {api: ...}``. A web ACL goes before its
        ``deployment_stage``."""

    def grant_signal(self, grantee: iam.IGrantable, *names: str) -> iam.Grant:
        """Lets ``grantee`` send the signals of these names to this workflow; without names all that it waits for."""
        check_names("grant_signal", names, self._signals)
        if not self._signals:
            raise ConfigurationError("grant_signal: no step of the workflow waits for a signal")
        bus = Stack.of(self).format_arn(service="events", resource="event-bus", resource_name="default")
        only = {"events:detail-type": sorted(set(names) or self._signals), "events:source": self.signal_source}
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["events:PutEvents"],
            resource_arns=[bus],
            # One request has many events, so the keys are lists.
            conditions={"ForAllValues:StringEquals": only},
        )

    @staticmethod
    def from_arn(scope: Construct, construct_id: str, arn: str) -> ImportedWorkflow:
        """A workflow that is deployed already, by the ARN of its alias (``...:stateMachine:NAME:live``) or of its machine."""
        return ImportedWorkflow(scope, construct_id, arn)


class _Named(Mapping[str, Any]):
    """A mapping that is only read, and proposes the nearest name where one is not there."""

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        self._what = what
        self._values = MappingProxyType(dict(values))

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            raise _UnknownName(unknown_name(self._what, name, self._values))
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Steps(_Named):
    """Steps by their shortest ids, and also by longer ones."""

    def __init__(self, made: Mapping[StepId, StepConstructs]) -> None:
        super().__init__("steps", {name: made[id_] for name, id_ in shown(made).items()})
        self._made = made

    def __getitem__(self, name: str) -> Any:
        try:
            return self._made[meant(name, self._made)]
        except WrongId as error:
            raise _UnknownName(f"steps: {error}") from None


class _UnknownName(ConfigurationError, KeyError):
    """A ``KeyError`` as well, so that ``get`` and ``in`` work as with any mapping."""

    __str__ = Exception.__str__


def _context(scope: Construct, definition: Definition) -> dict[str, Any]:
    """The values of ``config`` that the CDK context gives; on the command line they are text."""
    declared = declared_config(definition.workflows)
    found = {name: scope.node.try_get_context(f"stepworkflows:{name}") for name in declared}
    return {
        name: from_text(name, value, declared) if isinstance(value, str) else value
        for name, value in found.items()
        if value is not None
    }


def _profile(profile: str | Profile | None, space: WorkflowSpace | None) -> Profile:
    if profile is None:
        return space.profile if space is not None else BASELINE
    chosen = Profile.named(profile)
    if space is not None and chosen != space.profile:
        raise ConfigurationError(
            f"profile: {chosen.name!r} in a space whose profile is {space.profile.name!r}; leave it away here"
        )
    return chosen


def _isolated(profile: Profile, space: WorkflowSpace | None) -> bool:
    """Whether step code has no way to the Internet, unless a step names a network."""
    own = sharing.given(space, "Network") if space is not None else None
    return profile.private_network and (own is None or not cast(ec2.IVpc, own).private_subnets)


def _isolation_problems(definition: Definition) -> Iterator[Problem]:
    for step in (step for flow in definition.workflows for step in flow.all_steps):
        if isinstance(step.integration, Integration):
            yield from step.integration.check_isolated(step)


def _load(
    definition: Documents,
    integrations: Sequence[Integration],
    overrides: Mapping[str, Mapping[str, Any]],
    library: Mapping[str, Path],
) -> Definition:
    if isinstance(definition, Definition):
        if tuple(integrations) not in (BUILTIN, definition.integrations):
            raise ConfigurationError(
                "integrations: the definition was loaded with others; give them to Definition.load"
            )
        if overrides:
            raise ConfigurationError("overrides: the definition is loaded already; give them to Definition.load")
        return definition
    sources: list[Source] = [definition] if isinstance(definition, (str, os.PathLike, Step)) else list(definition)
    for path in (source.folder if isinstance(source, Step) else source for source in sources):
        if path is not None and not Path(path).is_absolute():
            raise ConfigurationError(
                f"definition: the relative path {os.fspath(path)!r} would depend on the folder that synth is run in; "
                f'pass Path(__file__).parent / "{Path(path).as_posix()}"'
            )
    return Definition.load(*sources, integrations=integrations, overrides=overrides, library=library)


def _functions(bundle: Bundle, bound: BoundBundle) -> dict[str, lambda_.IFunction]:
    """The functions of steps, by the names of the steps that share one."""
    needs = sorted((need for need in bundle.needs if isinstance(need, FunctionNeed)), key=lambda need: need.id)
    return {
        ", ".join(need.steps): cast(lambda_.IFunction, bound.bindings[need.id].construct)
        for need in needs
        if need.steps
    }


def _steps(bundle: Bundle, bound: BoundBundle) -> dict[StepId, StepConstructs]:
    works = {
        (mark.flow, mark.step): bound.bindings[need.id].construct
        for need in bundle.needs
        for mark in bundle.origins[need.id]
        if mark.step in need.steps
    }
    marked = ((mark.flow, mark.step) for machine in bundle.machines for mark in machine.states.values() if mark.step)
    return {id_: StepConstructs(id_[1], works.get(id_)) for id_ in dict.fromkeys((*marked, *works))}


def _signals(definition: Definition) -> Iterator[str]:
    """The signals that the flow which is started waits for."""
    for step in definition.workflows[0].forward:
        if isinstance(step.work, WaitForKeys) and (name := spec_of(step).signal):
            yield name


def _api(bundle: Bundle, bound: BoundBundle) -> apigateway.RestApi | None:
    found = (bound.bindings[need.id].construct for need in bundle.needs if isinstance(need, ApiNeed))
    return cast("apigateway.RestApi | None", next(found, None))
