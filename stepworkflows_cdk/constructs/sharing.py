"""What all flows of a stack share: made once per stack by the first that asks, under a fixed construct id.

Some things are the same for every flow and step: where dead letters go, where buckets log, where alarms go, policies with
wildcards, each with its row of the acknowledgements, the cluster and the network of containers. So neither the
template nor the list of wildcards grows with steps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from stepworkflows_cdk.constructs.acknowledgements import TABLE, acknowledge
from stepworkflows_cdk.constructs.network import make_cluster, make_network

__all__ = [
    "access_logs",
    "alarm_topic",
    "cluster",
    "dead_letters",
    "dead_letters_alarm",
    "network",
    "policy",
    "undelivered",
    "wildcards",
]

SCOPE = "StepWorkflowsShared"

_Made = TypeVar("_Made", bound=IConstruct)


def policy(scope: Construct, row: str) -> iam.ManagedPolicy:
    """The stack's policy of a row of the acknowledgements: it allows the row's actions on ``*``."""
    construct_id = _construct_id(row)
    return _once(scope, construct_id, lambda shared: _policy(shared, construct_id, row))


def wildcards(
    scope: Construct, row: str, statements: Sequence[iam.PolicyStatement], targets: Iterable[str]
) -> iam.ManagedPolicy:
    """The stack's policy of just these statements, whose resources, spelt as ``targets``, a row is about. Its construct
    id comes from what it allows, so all who may do the same share it.
    """
    allowed = json.dumps(Stack.of(scope).resolve([each.to_statement_json() for each in statements]), sort_keys=True)
    construct_id = f"{_construct_id(row)}{hashlib.sha256(allowed.encode()).hexdigest()[:8]}"

    def made(shared: Construct) -> iam.ManagedPolicy:
        document = iam.PolicyDocument(minimize=False, statements=list(statements))
        policy = iam.ManagedPolicy(shared, construct_id, document=document)
        for target in sorted(set(targets)):
            acknowledge(policy, row, target)
        return policy

    return _once(scope, construct_id, made)


def dead_letters(scope: Construct) -> sqs.Queue:
    """The stack's queue for events that a function could not work off, kept 14 days.

    Step Functions waits for a step's function and handles its failure itself, so nothing of these calls comes here.
    What comes was sent to a function as an event, by a rule or by somebody else, and Lambda would drop it after three
    tries. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    return _once(scope, "DeadLetters", _queue)


def undelivered(scope: Construct) -> sqs.IQueue:
    """The same queue, for events that a rule could not hand to a function at all.

    One statement opens it to the rules of this account and region. It is handed out as an imported queue, whose policy
    the CDK leaves alone: it would add a statement for each rule, and a queue's policy takes 20, with 10 conditions.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
    """
    queue = dead_letters(scope)
    return _once(scope, "Undelivered", lambda shared: _opened(shared, queue))


def dead_letters_alarm(scope: Construct, topic: sns.ITopic) -> cloudwatch.Alarm:
    """The stack's alarm that there are dead letters, told to ``topic``: one alarm for each topic."""
    queue = dead_letters(scope)
    own = topic.node.path == f"{_shared(scope).node.path}/Alarms"
    construct_id = "DeadLettersAlarm" if own else f"DeadLettersAlarm-{topic.node.addr}"
    return _once(scope, construct_id, lambda shared: _letters_alarm(shared, construct_id, queue, topic))


def alarm_topic(scope: Construct) -> sns.Topic:
    """The stack's topic for alarms. Nobody has subscribed to it yet.

    Its key is its own, which costs 1 dollar a month: neither alarms nor rules may use the account's key of SNS, and a topic
    is not left unencrypted. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return _once(scope, "Alarms", _topic)


def access_logs(scope: Construct) -> s3.Bucket:
    """The stack's bucket for logs of who reads and writes files in its buckets, kept 90 days.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
    """
    return _once(scope, "AccessLogs", _logs)


def network(scope: Construct) -> ec2.IVpc:
    """The stack's network for containers, where nobody gives one."""
    return _once(scope, "Network", make_network)


def cluster(scope: Construct) -> ecs.CfnCluster:
    """The stack's cluster for containers, where nobody gives one."""
    return _once(scope, "Cluster", make_cluster)


def _once(scope: Construct, construct_id: str, make: Callable[[Construct], _Made]) -> _Made:
    shared = _shared(scope)
    found = shared.node.try_find_child(construct_id)
    return cast(_Made, found) if found is not None else make(shared)


def _shared(scope: Construct) -> Construct:
    stack = Stack.of(scope)
    return cast(Construct, stack.node.try_find_child(SCOPE) or Construct(stack, SCOPE))


def _construct_id(row: str) -> str:
    return row.title().replace("-", "")


def _policy(shared: Construct, construct_id: str, row: str) -> iam.ManagedPolicy:
    actions, denied = list(TABLE[row].subject), TABLE[row].denied
    policy = iam.ManagedPolicy(shared, construct_id, statements=[iam.PolicyStatement(actions=actions, resources=["*"])])
    if denied:
        policy.add_statements(
            iam.PolicyStatement(effect=iam.Effect.DENY, actions=actions, resources=["*"], conditions=dict(denied))
        )
    acknowledge(policy, row)
    return policy


def _opened(shared: Construct, queue: sqs.Queue) -> sqs.IQueue:
    stack = Stack.of(shared)
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={
                "ArnLike": {"aws:SourceArn": stack.format_arn(service="events", resource="rule", resource_name="*")},
                "StringEquals": {"aws:SourceAccount": stack.account},
            },
        )
    )
    acknowledge(queue, "dead-letters-of-rules")
    return sqs.Queue.from_queue_arn(shared, "Undelivered", queue.queue_arn)


def _logs(shared: Construct) -> s3.Bucket:
    bucket = s3.Bucket(
        shared,
        "AccessLogs",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))],
        removal_policy=RemovalPolicy.RETAIN,
    )
    # One statement for all buckets of this account: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects("*")],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(shared).account}},
        )
    )
    return bucket


def _queue(shared: Construct) -> sqs.Queue:
    queue = sqs.Queue(
        shared,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    acknowledge(queue, "dead-letters")
    return queue


def _letters_alarm(shared: Construct, construct_id: str, queue: sqs.Queue, topic: sns.ITopic) -> cloudwatch.Alarm:
    alarm = cloudwatch.Alarm(
        shared,
        construct_id,
        alarm_description=f"{Stack.of(shared).node.path}: events that no function could work off lie in the dead-letter queue",
        metric=queue.metric_approximate_number_of_messages_visible(period=Duration.minutes(5)),
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    return alarm


def _topic(shared: Construct) -> sns.Topic:
    key = kms.Key(
        shared,
        "AlarmsKey",
        description="Encrypts what the alarms of workflows say",
        enable_key_rotation=True,
        # It keeps nothing: messages are gone when they are delivered.
        removal_policy=RemovalPolicy.DESTROY,
    )
    return sns.Topic(shared, "Alarms", display_name="Alarms of workflows", master_key=key, enforce_ssl=True)
