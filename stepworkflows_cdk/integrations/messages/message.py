"""``message: {queue: jobs}`` and ``message: {topic: news}``: sends a message, directly from the state machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from stepworkflows_cdk.compiler.integration import Call, Integration, Scope, token_of
from stepworkflows_cdk.compiler.patterns import as_text
from stepworkflows_cdk.compiler.plan import Data, Grant, Jsonata
from stepworkflows_cdk.compiler.retries import BUSY
from stepworkflows_cdk.integrations.messages.resources import QueueKeys, TopicKeys
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.sent import Sent
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = ["Message", "MessageKeys", "MessageSpec"]

_TIMEOUT = 60
_DELAY = 900  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_ATTRIBUTES = 10  # of a message with raw delivery to a queue: the same page
_SUBJECT = 100  # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors
_QUEUE_TRANSIENT = ("SQS.KmsThrottledException", "SQS.RequestThrottledException", "SQS.SdkClientException")
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
_TOPIC_TRANSIENT = (
    "SNS.InternalErrorException",
    "SNS.KMSThrottlingException",
    "SNS.SdkClientException",
    "SNS.ThrottledException",
)


def _attributes(values: dict[str, Any]) -> dict[str, Any]:
    for value in values.values():
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            raise ValueError("a text or a number for each name")
    return values


class MessageSpec(Keys):
    """A message. Its body are the step's `inputs` as JSON, or `text`. The step's result has its `id`."""

    queue: str | None = Field(None, description="The name of a queue under `resources`.")
    topic: str | None = Field(None, description="The name of a topic under `resources`.")
    text: str | None = Field(None, description="The body, instead of `inputs`.")
    subject: str | None = Field(None, description="For a topic: the subject that mails of subscribers have.")
    delay: Duration | None = Field(
        None, description="For a queue without order: the time before anybody can take it, at most 15m."
    )
    group: str | None = Field(
        None, description="For `fifo`: whose messages are kept in order, such as `{order_id}`. Required there."
    )
    dedup: str | None = Field(
        None,
        description="For `fifo`: of messages with the same one in 5 minutes one is sent; default: one of the step.",
    )
    attributes: Annotated[dict[str, Any], AfterValidator(_attributes)] | None = Field(
        None, max_length=_ATTRIBUTES, description="Attribute -> a text or a number, for filters of subscribers."
    )

    @model_validator(mode="after")
    def _one(self) -> MessageSpec:
        if (self.queue is None) == (self.topic is None):
            raise ValueError("for one of `queue` and `topic`")
        return self


class MessageKeys(Keys):
    """The key of a step that sends a message to a queue or a topic."""

    message: MessageSpec = Field(description="Where it goes. Its body are the `inputs`.")


class Message(Integration):
    """SQS and SNS by the optimised integrations: https://docs.aws.amazon.com/step-functions/latest/dg/connect-sqs.html,
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html.
    """

    key = "message"
    keys = MessageKeys
    transient = (*_QUEUE_TRANSIENT, *_TOPIC_TRANSIENT)

    def takes_whole(self, step: Step) -> bool:
        return True

    def takes_default(self, key: str, step: Mapping[str, Any]) -> bool:
        return key not in ("queue", "topic") or not {"queue", "topic"} & set(step["message"])

    def gives(self, step: Step) -> frozenset[str] | None:
        return frozenset({"id"})

    def check(self, step: Step, workflow: Workflow) -> Iterable[Problem]:
        spec = _spec(step)
        kind, name = _to(spec)
        problems = list(undeclared(step, ("message", kind), name, kind, workflow))
        yield from problems
        yield from _check_body(step, spec)
        if not problems:
            keys = workflow.resources[name].keys
            assert isinstance(keys, QueueKeys | TopicKeys)
            yield from _check_order(step, spec, keys.fifo)
        if kind == "queue" and spec.subject is not None:
            yield _misfit(step, "subject", "is for topics", "put it into the body")
        if kind == "topic" and spec.delay is not None:
            yield _misfit(step, "delay", "is for queues", "wait in a step before this one")
        if spec.delay is not None and spec.delay > _DELAY:
            message = "a message can be delayed by 15 minutes at most"
            yield Problem("SW401", message, step.mark_of("message", "delay"), "wait in a step before this one")
        if spec.subject is not None and len(spec.subject) > _SUBJECT and "{" not in spec.subject:
            message = f"a subject may have {_SUBJECT} characters"
            yield Problem("SW401", message, step.mark_of("message", "subject"), "shorten it")

    def sends(self, step: Step) -> Iterable[Sent]:
        kind, name = _to(_spec(step))
        yield Sent(kind, name, ("message", kind))

    def plan(self, step: Step, scope: Scope) -> Call:
        spec = _spec(step)
        kind, name = _to(spec)
        resource = _keys(scope, name)
        need = scope.resource(name)
        body: Data = scope.inputs() if spec.text is None else as_text(scope.data(spec.text))
        arguments: dict[str, Data]
        if kind == "queue":
            arguments = {"QueueUrl": scope.data(f"{{resources.{name}}}"), "MessageBody": body}
        else:
            arguments = {"TopicArn": scope.data(f"{{resources.{name}}}"), "Message": body}
        if spec.subject is not None:
            arguments["Subject"] = as_text(scope.data(spec.subject))
        if spec.delay is not None:
            arguments["DelaySeconds"] = spec.delay
        if resource.fifo:
            arguments["MessageGroupId"] = as_text(scope.data(spec.group))
            dedup = token_of(step, scope) if spec.dedup is None else as_text(scope.data(spec.dedup))
            arguments["MessageDeduplicationId"] = dedup
        if spec.attributes:
            arguments["MessageAttributes"] = {
                each: _attribute(scope.data(value)) for each, value in spec.attributes.items()
            }
        action, task, error = _CALLS[kind]
        return Call(
            resource=task,
            arguments=arguments,
            result="{'id': $states.result.MessageId}",
            timeout=step.keys.timeout or _TIMEOUT,
            transient=_QUEUE_TRANSIENT if kind == "queue" else _TOPIC_TRANSIENT,
            transient_when={error: BUSY},
            grants=(Grant(scope.machine, (action,), scope.arn(need), step.key_mark("message")),),
        )


_CALLS = {
    "queue": ("sqs:SendMessage", "sqs:sendMessage", "SQS.AmazonSQSException"),
    "topic": ("sns:Publish", "sns:publish", "SNS.AmazonSNSException"),
}


def _spec(step: Step) -> MessageSpec:
    assert isinstance(step.work, MessageKeys)
    return step.work.message


def _to(spec: MessageSpec) -> tuple[str, str]:
    """``queue`` or ``topic``, and its name."""
    if spec.queue is not None:
        return "queue", spec.queue
    assert spec.topic is not None
    return "topic", spec.topic


def _keys(scope: Scope, name: str) -> QueueKeys | TopicKeys:
    keys = scope.workflow.resources[name].keys
    assert isinstance(keys, QueueKeys | TopicKeys)
    return keys


def _check_body(step: Step, spec: MessageSpec) -> Iterator[Problem]:
    if spec.text is not None and step.keys.inputs is not None:
        message = "`inputs` stand beside a `text`, and a message has one body"
        yield Problem("SW107", message, step.key_mark("inputs"), "remove one of them")
    if spec.text is None and step.keys.inputs is None and not step.whole_input:
        hint = "give `inputs`, which are sent as JSON, or `text`"
        yield Problem("SW102", "the message has no body", step.key_mark("message"), hint)
    if spec.text == "":
        yield Problem("SW219", "a message is not empty", step.mark_of("message", "text"), "write a text")


def _check_order(step: Step, spec: MessageSpec, fifo: bool) -> Iterator[Problem]:
    kind, name = _to(spec)
    if fifo and spec.group is None:
        message = f"`{name}` keeps messages in order, and this one is of no group"
        yield Problem("SW102", message, step.key_mark("message"), "add `group`, such as `{order_id}`")
    if fifo and spec.delay is not None:
        yield _misfit(step, "delay", "is for queues without order", "wait in a step before this one")
    for key in ("group", "dedup"):
        if not fifo and getattr(spec, key) is not None:
            yield _misfit(step, key, f"is for a {kind} with `fifo: true`", "remove it, or declare that")
        if getattr(spec, key) == "":
            yield Problem("SW219", f"`{key}` is empty", step.mark_of("message", key), "write a text or a reference")


def _misfit(step: Step, key: str, why: str, hint: str) -> Problem:
    return Problem("SW107", f"`{key}` {why}", step.key_mark("message", key), hint)


def _attribute(data: Data) -> Data:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html"""
    match data:
        case Jsonata(code, type_) if type_ is None:
            return {
                "DataType": Jsonata(f"$type({code}) = 'number' ? 'Number' : 'String'", "string"),
                "StringValue": as_text(data),
            }
        case Jsonata(_, "number" | "integer") | int() | float():
            return {"DataType": "Number", "StringValue": as_text(data)}
        case _:
            return {"DataType": "String", "StringValue": as_text(data)}
