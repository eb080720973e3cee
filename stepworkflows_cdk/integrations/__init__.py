"""One folder for each thing that a step can run on or talk to.

In each, as far as it has them: ``plan`` (the key, its model, its checks, what it becomes), ``needs`` (what has to exist),
``cdk`` (how a CDK app gets it), ``local`` (how this machine does).
"""

from __future__ import annotations

from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.integrations.activities.plan import Activity
from stepworkflows_cdk.integrations.api.plan import Api
from stepworkflows_cdk.integrations.api.resources import Authorizers
from stepworkflows_cdk.integrations.aws_sdk.asl import RawState
from stepworkflows_cdk.integrations.aws_sdk.plan import AwsSdkCall
from stepworkflows_cdk.integrations.containers.plan import Containers, Ec2, Fargate
from stepworkflows_cdk.integrations.dynamodb.counting import Counting
from stepworkflows_cdk.integrations.dynamodb.fetch import Fetch
from stepworkflows_cdk.integrations.dynamodb.locking import Locking
from stepworkflows_cdk.integrations.dynamodb.record import Record
from stepworkflows_cdk.integrations.dynamodb.tables import Tables
from stepworkflows_cdk.integrations.events.buses import Buses
from stepworkflows_cdk.integrations.events.emit import Emit
from stepworkflows_cdk.integrations.http.connections import Connections
from stepworkflows_cdk.integrations.http.request import Http
from stepworkflows_cdk.integrations.lambda_.plan import Lambda
from stepworkflows_cdk.integrations.messages.message import Message
from stepworkflows_cdk.integrations.messages.resources import Queues, Topics
from stepworkflows_cdk.integrations.network.plan import Networks
from stepworkflows_cdk.integrations.s3.buckets import Buckets
from stepworkflows_cdk.integrations.s3.file import File
from stepworkflows_cdk.integrations.secretsmanager.plan import Secrets
from stepworkflows_cdk.integrations.ses.plan import Email
from stepworkflows_cdk.integrations.subflows.plan import Uses
from stepworkflows_cdk.integrations.subflows.resources import Workflows
from stepworkflows_cdk.integrations.triggers.event import EventTrigger
from stepworkflows_cdk.integrations.triggers.queue import QueueTrigger
from stepworkflows_cdk.integrations.triggers.s3 import S3Trigger
from stepworkflows_cdk.integrations.triggers.schedule import Schedule
from stepworkflows_cdk.integrations.waits.plan import WaitFor
from stepworkflows_cdk.integrations.waits.signal import Signal

__all__ = ["BUILTIN"]

BUILTIN: tuple[Integration, ...] = (
    Lambda(),
    Fargate(),
    Ec2(),
    Activity(),
    Containers(),
    Networks(),
    Tables(),
    Record(),
    Fetch(),
    Counting(),
    Locking(),
    AwsSdkCall(),
    RawState(),
    Buckets(),
    File(),
    Queues(),
    Topics(),
    Message(),
    Connections(),
    Http(),
    Email(),
    Buses(),
    Emit(),
    WaitFor(),
    Signal(),
    Uses(),
    Workflows(),
    Secrets(),
    Api(),
    Authorizers(),
    Schedule(),
    EventTrigger(),
    QueueTrigger(),
    S3Trigger(),
)
"""What this package brings. Pass ``(*BUILTIN, Mine())`` to add your own."""
