"""What a step that records in a database needs: a table."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["BACKED_UP", "TURNS", "TableNeed"]

TURNS = "table-turns"
"""The id of the table of whose turn it is."""

BACKED_UP = ("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob")
"""What the service for backups may do with a table: https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html"""


@dataclass(frozen=True, kw_only=True)
class TableNeed(Need):
    """A DynamoDB table. Attributes for holes: ``name`` and ``arn``. Keys are strings (attribute type ``S``)."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""
    partition_key: str
    sort_key: str | None
    expires: str | None = None
    """The attribute, seconds since 1970, after which a row may go. Such a table serves running executions only: it goes
    with its stack, and a run here does not show its rows."""
