"""The errors of DynamoDB's optimised integration: which a second try may heal, and how the flow calls them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

__all__ = ["CONDITION_FAILED", "TRANSIENT"]

TRANSIENT = (
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.InternalServerException",
    "DynamoDB.LimitExceededException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.SdkClientException",
    "DynamoDB.ThrottlingException",
    "DynamoDB.TransactionConflictException",
)
CONDITION_FAILED = {"DynamoDB.ConditionalCheckFailedException": "ConditionFailed"}
