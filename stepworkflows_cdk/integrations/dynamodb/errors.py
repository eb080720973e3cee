"""The errors of DynamoDB's optimised integration: which a second try may heal, and how the flow calls them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html, and of each action
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html#API_UpdateItem_Errors. The names are those of
the AWS SDK for Java, https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html.
"""

from __future__ import annotations

__all__ = ["CONDITION_FAILED", "TRANSIENT"]

TRANSIENT = (
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.ReplicatedWriteConflictException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.SdkClientException",
    "DynamoDB.ThrottlingException",
    "DynamoDB.TransactionConflictException",
)
CONDITION_FAILED = {"DynamoDB.ConditionalCheckFailedException": "ConditionFailed"}
