"""Which IAM actions an action of an API needs on the resource of the flow that it names.

As a rule the one of the same name; the rest is listed here, from the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["AUTHORISED", "Authorised"]


@dataclass(frozen=True)
class Authorised:
    """One service: the ``type`` that its resources have in documents, its ``prefix`` in IAM, the actions that are called
    alike in both, and those that are not.
    """

    type: str
    prefix: str
    alike: frozenset[str]
    others: Mapping[str, tuple[str, ...]]

    def actions(self, operation: str) -> tuple[str, ...]:
        """What a call of ``operation`` needs on one resource; nothing where that is not known."""
        names = (operation,) if operation in self.alike else self.others.get(operation, ())
        return tuple(sorted(f"{self.prefix}:{name}" for name in names))


AUTHORISED: Mapping[str, Authorised] = {
    "dynamodb": Authorised(
        "table",
        "dynamodb",
        frozenset(
            """
            BatchGetItem BatchWriteItem DeleteItem DescribeContinuousBackups DescribeTable DescribeTimeToLive GetItem
            PutItem Query Scan UpdateItem
            """.split()
        ),
        {},
    ),
    "s3": Authorised(
        "bucket",
        "s3",
        frozenset(
            """
            AbortMultipartUpload DeleteObject DeleteObjectTagging GetBucketLocation GetBucketTagging
            GetBucketVersioning GetObject GetObjectTagging PutObject PutObjectTagging
            """.split()
        ),
        {
            "CompleteMultipartUpload": ("PutObject",),
            "CreateMultipartUpload": ("PutObject",),
            "DeleteObjects": ("DeleteObject",),
            "GetObjectAttributes": ("GetObject", "GetObjectAttributes"),
            "HeadBucket": ("ListBucket",),
            "HeadObject": ("GetObject",),
            "ListMultipartUploads": ("ListBucketMultipartUploads",),
            "ListObjectVersions": ("ListBucketVersions",),
            "ListObjects": ("ListBucket",),
            "ListObjectsV2": ("ListBucket",),
            "ListParts": ("ListMultipartUploadParts",),
            "UploadPart": ("PutObject",),
        },
    ),
    "sqs": Authorised(
        "queue",
        "sqs",
        frozenset(
            """
            ChangeMessageVisibility DeleteMessage GetQueueAttributes ListDeadLetterSourceQueues ListQueueTags PurgeQueue
            ReceiveMessage SendMessage
            """.split()
        ),
        {
            "ChangeMessageVisibilityBatch": ("ChangeMessageVisibility",),
            "DeleteMessageBatch": ("DeleteMessage",),
            "SendMessageBatch": ("SendMessage",),
        },
    ),
    "sns": Authorised(
        "topic",
        "sns",
        frozenset("GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource Publish Subscribe".split()),
        {"PublishBatch": ("Publish",)},
    ),
    "eventbridge": Authorised("bus", "events", frozenset({"DescribeEventBus", "PutEvents"}), {}),
    "sfn": Authorised(
        "workflow",
        "states",
        frozenset("DescribeStateMachine ListExecutions StartExecution StartSyncExecution".split()),
        {},
    ),
}
"""A service as state machines call it -> what it asks for."""
