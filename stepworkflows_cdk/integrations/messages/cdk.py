"""Queue and topic needs become SQS queues and SNS topics, or the caller's own are taken for them."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.acknowledgements import acknowledge
from stepworkflows_cdk.constructs.bound import Bound
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.integrations.messages.needs import QueueNeed, TopicNeed

__all__ = ["bind_queue", "bind_topic"]

_SENDING = ("kms:Decrypt", "kms:GenerateDataKey")
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
_QUEUE_KEY = {"sqs:SendMessage": _SENDING, "sqs:ReceiveMessage": ("kms:Decrypt",)}
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
_TOPIC_KEY = {"sns:Publish": _SENDING}


def bind_queue(scope: Construct, need: QueueNeed, given: object | None) -> Bound:
    """Attributes: ``url``, ``arn``, and ``key_arn`` for a queue with a KMS key of its own.

    A queue made here encrypts with a key of SQS (or the stack's, where its profile demands that), takes TLS only, and
    outlives its stack, as does the one behind it, which keeps messages that were taken too often.
    """
    queue = _queue(scope, need) if given is None else _own_queue(need, given)
    attributes = {"url": queue.queue_url, "arn": queue.queue_arn}
    key = queue.encryption_master_key
    if key is None:
        return Bound(construct=queue, attributes=attributes)
    return Bound(construct=queue, attributes={**attributes, "key_arn": key.key_arn}, key_actions=_QUEUE_KEY)


def bind_topic(scope: Construct, need: TopicNeed, given: object | None) -> Bound:
    """Attributes: ``arn``, and ``key_arn`` for a topic with a KMS key of its own.

    A topic made here encrypts with the account's key for SNS (or the stack's, where its profile demands that), takes TLS
    only, and outlives its stack.
    """
    topic = _topic(scope, need) if given is None else _own_topic(need, given)
    # The policy of the account's key opens it to all of the account who may publish.
    key = topic.master_key if given is not None else sharing.key(scope)
    if key is None:
        return Bound(construct=topic, attributes={"arn": topic.topic_arn})
    attributes = {"arn": topic.topic_arn, "key_arn": key.key_arn}
    return Bound(construct=topic, attributes=attributes, key_actions=_TOPIC_KEY)


def _queue(scope: Construct, need: QueueNeed) -> sqs.IQueue:
    key = sharing.key(scope)
    encryption = sqs.QueueEncryption.SQS_MANAGED if key is None else sqs.QueueEncryption.KMS
    dead_letters = sqs.Queue(
        scope,
        "DeadLetters",
        fifo=need.fifo or None,
        encryption=encryption,
        encryption_master_key=key,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    acknowledge(dead_letters, "dead-letters")
    return sqs.Queue(
        scope,
        "Queue",
        fifo=need.fifo or None,
        encryption=encryption,
        encryption_master_key=key,
        enforce_ssl=True,
        retention_period=cdk.Duration.seconds(need.keep),
        visibility_timeout=cdk.Duration.seconds(need.timeout),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=need.tries),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def _own_queue(need: QueueNeed, given: object) -> sqs.IQueue:
    if not (hasattr(given, "queue_arn") and hasattr(given, "queue_url")):
        raise ConfigurationError(f"resources: {need.name!r} is a queue; pass an sqs.IQueue, not {type(given).__name__}")
    queue = cast(sqs.IQueue, given)
    _check_order(need.name, need.fifo, bool(queue.fifo), "queue")
    return queue


def _topic(scope: Construct, need: TopicNeed) -> sns.ITopic:
    topic = sns.Topic(
        scope,
        "Topic",
        fifo=need.fifo or None,
        enforce_ssl=True,
        master_key=sharing.key(scope) or kms.Alias.from_alias_name(scope, "Key", "alias/aws/sns"),
    )
    topic.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    return topic


def _own_topic(need: TopicNeed, given: object) -> sns.ITopic:
    if not (hasattr(given, "topic_arn") and hasattr(given, "topic_name")):
        raise ConfigurationError(f"resources: {need.name!r} is a topic; pass an sns.ITopic, not {type(given).__name__}")
    topic = cast(sns.ITopic, given)
    _check_order(need.name, need.fifo, bool(topic.fifo), "topic")
    return topic


def _check_order(name: str, asked: bool, has: bool, kind: str) -> None:
    """What is imported says by the end of its name whether it keeps messages in order."""
    if asked != has:
        words = {True: "keeps messages in order (fifo)", False: "does not keep messages in order"}
        raise ConfigurationError(
            f"resources: the {kind} {name!r} {words[has]}, and the document says `fifo: {str(asked).lower()}`"
        )
