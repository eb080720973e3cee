"""``runs-on: lambda``: the step's code as a Lambda function, created from a folder, a zip or an image, or one that
exists already, here or in another account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.compiler.added import DEAD_LETTERS, INTERFACES, OWN_LOG, TRACES, Added, with_key
from stepworkflows_cdk.compiler.integration import Call, Integration, Scope
from stepworkflows_cdk.compiler.plan import Data, Grant, Hole, Need, Text
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.code import DEFAULT_HANDLER, IMAGE, code_name, fits_code, image_text
from stepworkflows_cdk.integrations.lambda_.checks import LONGEST, check
from stepworkflows_cdk.integrations.lambda_.keys import LambdaKeys
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed
from stepworkflows_cdk.integrations.lambda_.texts import FUNCTION, text_problems, written_texts
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.workflow import Step, Workflow

if TYPE_CHECKING:
    from constructs import Construct

    from stepworkflows_cdk.constructs.bound import Bindings, Bound
    from stepworkflows_cdk.local.world import World

__all__ = ["Lambda"]

_MARGIN = 15  # seconds; more than the initialisation of a cold function may take
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html; and of
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors those that pass by themselves, before the code
# has begun. Not `Lambda.Unknown`: it is also what a time-out of the function, or its want of memory, is called.
_TRANSIENT = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.CodeArtifactUserPendingException",
    "Lambda.EC2ThrottledException",
    "Lambda.EC2UnexpectedException",
    "Lambda.ENINotReadyException",
    "Lambda.ResourceConflictException",
    "Lambda.ResourceNotReadyException",
    "Lambda.SnapStartNotReadyException",
)


class Lambda(Integration):
    """AWS Lambda by the optimised integration: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html.

    A function is called by the very ARN that the document names, a version's or an alias's among them, and the machine
    may invoke that alone. One of another account is called with a role of that account, which the machine may assume
    and which trusts it: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html.
    Without `account`, an ARN of another account works where the function's own policy lets the machine's role in.

    Lambda itself pulls an image, not the function's role: the policy of the repository in ECR allows the service
    ``lambda.amazonaws.com`` to do so. https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions
    """

    key = "runs-on"
    runtime = "lambda"
    code_keys = frozenset({"env", "secrets", "permissions"})
    keys = LambdaKeys
    transient = _TRANSIENT
    needs = (FunctionNeed,)
    tasks = ("lambda:invoke",)

    def takes_whole(self, step: Step) -> bool:
        return True

    def takes_default(self, key: str, step: Mapping[str, Any]) -> bool:
        made = "zip-file" in step or "image" in step
        return made != (key in ("account", "role")) and fits_code(key, step)

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        assert isinstance(step.work, LambdaKeys)
        return check(step, step.work, workflow)

    def plan(self, step: Step, scope: Scope) -> Call:
        keys = step.work
        assert isinstance(keys, LambdaKeys)
        texts = _Texts.of(step, keys, scope)
        need = _function(step, keys, scope, texts)
        function = Text((Hole(need.id, "arn"),))
        credentials: Data = None
        grant = Grant(scope.machine, ("lambda:InvokeFunction",), function, step.mark)
        if texts.role is not None:
            role = scope.complete_arn(texts.role)
            credentials = {"RoleArn": role}
            grant = Grant(scope.machine, ("sts:AssumeRole",), role, step.key_mark("runs-on", "lambda", "role"))
        return Call(
            resource="lambda:invoke",
            arguments={"FunctionName": function, "Payload": scope.inputs()},
            result="$states.result.Payload",
            # How long a function may run that exists already is not known here: as long as any may.
            timeout=(need.timeout if need.made or step.keys.timeout else LONGEST) + _MARGIN,
            transient=_TRANSIENT,
            credentials=credentials,
            needs=(need,),
            grants=(grant, *(scope.permissions(need.id) if need.made else ())),
        )

    def added(self, need: Need) -> Iterable[Added]:
        if isinstance(need, FunctionNeed) and need.made:
            yield from (OWN_LOG, TRACES, INTERFACES, DEAD_LETTERS, with_key("kms:Decrypt", "kms:GenerateDataKey"))

    def bind(self, scope: Construct, need: Need, given: object | None, bindings: Bindings) -> Bound:
        from stepworkflows_cdk.integrations.lambda_.cdk import bind

        assert isinstance(need, FunctionNeed)
        return bind(scope, need, given, bindings)

    def realise(self, need: Need, world: World) -> Mapping[str, str]:
        from stepworkflows_cdk.integrations.lambda_.local import realise

        assert isinstance(need, FunctionNeed)
        return realise(need, world)

    def answer(self, resource: str, value: Any, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.lambda_.local import answer

        return answer(value)

    def perform(self, resource: str, arguments: Any, world: World) -> Any:
        from stepworkflows_cdk.integrations.lambda_.local import perform

        return perform(resource, arguments, world)


@dataclass(frozen=True)
class _Texts:
    """What the step names outside of its document, with the config filled in."""

    arn: str | None = None
    image: str | None = None
    account: str | None = None
    role: str | None = None

    @classmethod
    def of(cls, step: Step, keys: LambdaKeys, scope: Scope) -> _Texts:
        filled = {key: "".join(map(str, scope.text(text).parts)) for key, text in written_texts(keys).items()}
        for problem in text_problems(step, filled):
            raise ConfigurationError(f"{problem.mark}: with this config {problem.message}; {problem.hint}")
        return cls(**filled)


def _function(step: Step, keys: LambdaKeys, scope: Scope, texts: _Texts) -> FunctionNeed:
    found = FUNCTION.match(texts.arn or "")
    name = found["name"] if found else None
    settings = keys.settings
    own_timeout = None if step.whole_input else step.keys.timeout
    return FunctionNeed(
        id="-".join(part for part in ("function", _base(keys, texts), scope.distinct) if part),
        mark=step.mark,
        steps=(step.id,),
        code=(step.document.folder / keys.zip_file) if keys.zip_file else None,
        handler=keys.handler if keys.zip_file or "handler" in keys.model_fields_set else "",
        env=scope.env() if keys.made else (),
        timeout=own_timeout or settings.timeout,
        memory=settings.memory,
        python=settings.python,
        architecture=settings.architecture,
        arn=scope.complete_arn(texts.arn) if texts.arn and name else None,
        name=name if keys.made else None,
        image=image_text(texts.image) if texts.image else None,
        network=scope.resource(settings.vpc).id if settings.vpc else None,
        ephemeral_storage=settings.ephemeral_storage,
        concurrency=settings.concurrency,
    )


def _base(keys: LambdaKeys, texts: _Texts) -> str:
    """What the function is called after: its code, else its image, else its own name with the version or alias."""
    if keys.zip_file is not None:
        return code_name(keys.zip_file, keys.handler)
    if texts.image is not None:
        image = IMAGE.match(texts.image)
        return code_name(image["repository"] if image else "", keys.handler)
    found = FUNCTION.match(texts.arn or "")
    named = "-".join(part for part in (found["name"], found["version"]) if part) if found else ""
    return code_name(named, DEFAULT_HANDLER)
