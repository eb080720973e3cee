"""What all flows of a stack share: made once per stack by the first that asks, under a fixed construct id.

The same for every flow and function are: where dead letters go, where buckets log, where alarms go, policies with
wildcards, each with its row of the acknowledgements, and what the stack's profile demands, its key and its vault of
backups; for networks see ``network`` and ``public_network``. One of each per stack means that neither
the template nor the list of wildcards grows with steps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from stepworkflows_cdk.constructs.acknowledgements import TABLE, acknowledge
from stepworkflows_cdk.constructs.names import this_time
from stepworkflows_cdk.constructs.profile import profile_of, shared, space_path

__all__ = [
    "access_logs",
    "alarm_topic",
    "backup_plan",
    "dead_letters",
    "dead_letters_alarm",
    "give",
    "given",
    "in_space",
    "key",
    "log_group",
    "once",
    "policy",
    "undelivered",
    "wildcards",
]

_Made = TypeVar("_Made", bound=IConstruct)


def policy(scope: Construct, row: str) -> iam.ManagedPolicy:
    """The stack's policy of a row of the acknowledgements: it allows the row's actions on ``*``."""
    construct_id = _construct_id(row)
    return once(scope, construct_id, lambda shared: _policy(shared, construct_id, row))


def wildcards(
    scope: Construct, row: str, statements: Sequence[iam.PolicyStatement], targets: Iterable[str], reason: str = ""
) -> iam.ManagedPolicy:
    """The stack's policy of just these statements, whose resources, spelt as ``targets``, a row is about. Its construct
    id comes from what it allows, so all who may do the same share it. ``reason`` is what a document says of it.
    """
    allowed = json.dumps(Stack.of(scope).resolve([each.to_statement_json() for each in statements]), sort_keys=True)
    construct_id = f"{_construct_id(row)}{hashlib.sha256(allowed.encode()).hexdigest()[:8]}"

    def made(shared: Construct) -> iam.ManagedPolicy:
        document = iam.PolicyDocument(minimize=False, statements=list(statements))
        policy = iam.ManagedPolicy(shared, construct_id, document=document)
        for target in sorted(set(targets)):
            acknowledge(policy, row, target, reason)
        return policy

    return once(scope, construct_id, made)


def dead_letters(scope: Construct) -> sqs.Queue:
    """The stack's queue for events that a function could not work off, kept 14 days.

    Step Functions waits for a step's function and handles its failure itself, so nothing of these calls comes here.
    What comes was sent to a function as an event, by a rule or by somebody else, and Lambda would drop it after three
    tries. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    return once(scope, "DeadLetters", _queue)


def undelivered(scope: Construct) -> sqs.IQueue:
    """The same queue, for events that a rule could not hand to a function at all.

    One statement opens it to the rules of this account and region. It is handed out as an imported queue, whose policy
    the CDK leaves alone: it would add a statement for each rule, and a queue's policy takes 20, with 10 conditions.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
    """
    queue = dead_letters(scope)
    return once(scope, "Undelivered", lambda shared: _opened(shared, queue))


def dead_letters_alarm(scope: Construct, topic: sns.ITopic) -> cloudwatch.Alarm:
    """The stack's alarm that there are dead letters, told to ``topic``: one alarm for each topic."""
    queue = dead_letters(scope)
    own = topic.node.path == f"{_space(scope).node.path}/Alarms"
    construct_id = "DeadLettersAlarm" if own else f"DeadLettersAlarm-{topic.node.addr}"
    return once(scope, construct_id, lambda shared: _letters_alarm(shared, construct_id, queue, topic))


def alarm_topic(scope: Construct) -> sns.ITopic:
    """The space's topic for alarms. Nobody has subscribed to one that is made here.

    Its key is its own, which costs 1 dollar a month: neither alarms nor rules may use the account's key of SNS, and a topic
    is not left unencrypted. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return in_space(scope, "Alarms", _topic)


def access_logs(scope: Construct) -> s3.Bucket:
    """The stack's bucket for logs of who reads and writes files in its buckets, kept as its profile demands.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
    """
    return once(scope, "AccessLogs", _logs)


def key(scope: Construct) -> kms.IKey | None:
    """The space's KMS key, where the profile demands one. It outlives its stack, as what it encrypts does.

    CloudWatch Logs uses it for log groups of this account and region, EventBridge for dead letters of its rules; whoever
    else does has to be allowed to by IAM, in calls that come through the service that keeps what is encrypted.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    return in_space(scope, "Key", _key) if profile_of(scope).customer_key else None


def log_group(
    scope: Construct, construct_id: str, retention: logs.RetentionDays | None = None, name: str | None = None
) -> logs.LogGroup:
    """A log group in ``scope``, encrypted and, unless told otherwise, kept as the stack's profile demands; without ``name``
    CloudFormation chooses one.
    """
    profile = profile_of(scope)
    # A group that has a name and outlives its stack would stop the stack from ever being made again.
    unlike_before = f"/{this_time(scope)}" if profile.keep_logs else ""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=f"{name}{unlike_before}" if name is not None else None,
        retention=retention or profile.retention,
        encryption_key=key(scope),
        removal_policy=RemovalPolicy.RETAIN if profile.keep_logs else RemovalPolicy.DESTROY,
    )


def backup_plan(scope: Construct) -> tuple[backup.BackupPlan, backup.IBackupVault]:
    """The stack's plan: every day into the stack's vault, for 35 days, as long as tables can be restored by themselves."""
    vault = once(scope, "Vault", _vault)
    return once(scope, "BackupPlan", lambda shared: _plan(shared, vault)), vault


def once(scope: Construct, construct_id: str, make: Callable[[Construct], _Made]) -> _Made:
    """What the stack has under this id, made by the first that asks."""
    return _of(shared(scope), construct_id, make)


def in_space(scope: Construct, construct_id: str, make: Callable[[Construct], _Made]) -> _Made:
    """What the workflow's space has under this id: the caller's own, or made by the first that asks. Without a space it is
    the stack's.
    """
    own = given(scope, construct_id)
    return cast(_Made, own) if own is not None else _of(_space(scope), construct_id, make)


def given(scope: Construct, construct_id: str) -> IConstruct | None:
    """What the caller gave the workflow's space for this id."""
    return _GIVEN.get(_space(scope), {}).get(construct_id)


def give(space: Construct, own: Mapping[str, IConstruct | None]) -> None:
    """Makes what the caller gave, by the ids of :func:`in_space`, that of the space."""
    _GIVEN[space] = own


_GIVEN: MutableMapping[Construct, Mapping[str, IConstruct | None]] = WeakKeyDictionary()
"""By space. Whoever makes a workflow in it has it in hand, so it is still there."""


def _space(scope: Construct) -> Construct:
    path = space_path(scope)
    if path is None:
        return shared(scope)
    found: IConstruct = scope.node.root
    for construct_id in path.split("/"):
        found = found.node.find_child(construct_id)
    return cast(Construct, found)


def _of(scope: Construct, construct_id: str, make: Callable[[Construct], _Made]) -> _Made:
    found = scope.node.try_find_child(construct_id)
    return cast(_Made, found) if found is not None else make(scope)


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
    account = {"StringEquals": {"aws:SourceAccount": stack.account}}
    rules = stack.format_arn(service="events", resource="rule", resource_name="*")
    by_rules = iam.ServicePrincipal("events.amazonaws.com")
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[by_rules],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnLike": {"aws:SourceArn": rules}, **account},
        )
    )
    encrypting = key(shared)
    if encrypting is not None:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
        encrypting.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[by_rules],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions=account,
            )
        )
    acknowledge(queue, "dead-letters-of-rules")
    return sqs.Queue.from_queue_arn(shared, "Undelivered", queue.queue_arn)


def _logs(shared: Construct) -> s3.Bucket:
    profile = profile_of(shared)
    bucket = s3.Bucket(
        shared,
        "AccessLogs",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=profile.keep_logs,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=Duration.days(profile.days),
                # With versions, what expires is only marked.
                noncurrent_version_expiration=Duration.days(1) if profile.keep_logs else None,
            )
        ],
        removal_policy=RemovalPolicy.RETAIN,
    )
    for row in ("access-logs-key", "bucket-copies", "bucket-lock"):
        acknowledge(bucket, row)
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
    encrypting = key(shared)
    queue = sqs.Queue(
        shared,
        "DeadLetters",
        encryption=sqs.QueueEncryption.KMS if encrypting is not None else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=encrypting,
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


def _topic(shared: Construct) -> sns.ITopic:
    key = kms.Key(
        shared,
        "AlarmsKey",
        description="Encrypts what the alarms of workflows say",
        enable_key_rotation=True,
        # It keeps nothing: messages are gone when they are delivered.
        removal_policy=RemovalPolicy.DESTROY,
    )
    return sns.Topic(shared, "Alarms", display_name="Alarms of workflows", master_key=key, enforce_ssl=True)


def _key(shared: Construct) -> kms.IKey:
    stack = Stack.of(shared)
    made = kms.Key(
        shared,
        "Key",
        description=f"What flows of the stack {stack.stack_name} keep",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
    groups = stack.format_arn(
        service="logs", resource="log-group", arn_format=ArnFormat.COLON_RESOURCE_NAME, resource_name="*"
    )
    made.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],  # in the policy of a key: this key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
    )
    return made


def _vault(shared: Construct) -> backup.BackupVault:
    return backup.BackupVault(
        shared,
        "Vault",
        backup_vault_name=f"workflows-{this_time(shared)}",  # 50 characters at most
        encryption_key=key(shared),
        removal_policy=RemovalPolicy.RETAIN,
    )


def _plan(shared: Construct, vault: backup.IBackupVault) -> backup.BackupPlan:
    rule = backup.BackupPlanRule(
        rule_name="daily",
        backup_vault=vault,
        schedule_expression=events.Schedule.cron(hour="5", minute="0"),
        delete_after=Duration.days(35),
    )
    return backup.BackupPlan(shared, "BackupPlan", backup_plan_rules=[rule])
