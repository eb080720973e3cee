"""The tables of a flow, backed up every day by the stack's plan, with a role that may do this with these tables."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Names
from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Condition, Grant, Hole, Text
from stepworkflows_cdk.constructs import sharing
from stepworkflows_cdk.constructs.bound import BACKUPS, Bound
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = ["back_up"]


def back_up(scope: Construct, arns: Sequence[str], mark: Mark) -> Bound:
    """Has AWS Backup take what has these ARNs. Attributes: ``vault_arn``, and ``key_arn`` where the vault has a key.

    The role receives the grants of whatever is backed up, and those on the vault here.
    https://docs.aws.amazon.com/aws-backup/latest/devguide/security-iam-awsmanpol.html
    """
    plan, vault = sharing.backup_plan(scope)
    key = sharing.key(scope)
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("backup.amazonaws.com"))
    selection = backup.BackupSelection(
        scope,
        "Selection",
        backup_plan=plan,
        resources=[backup.BackupResource.from_arn(arn) for arn in arns],
        role=role,
        backup_selection_name=Names.unique_resource_name(scope, max_length=50, separator="-"),
        disable_default_backup_policy=True,
    )
    grants = [Grant(BACKUPS, ("backup:CopyIntoBackupVault", "backup:DescribeBackupVault"), _of("vault_arn"), mark)]
    attributes = {"vault_arn": vault.backup_vault_arn}
    if key is not None:
        attributes["key_arn"] = key.key_arn
        for_aws = Condition("Bool", "kms:GrantIsForAWSResource", (Text(("true",)),))
        grants += [
            Grant(BACKUPS, ("kms:DescribeKey",), _of("key_arn"), mark),
            Grant(BACKUPS, ("kms:CreateGrant",), _of("key_arn"), mark, (for_aws,)),
        ]
    return Bound(construct=selection, attributes=attributes, role=role, grants=tuple(grants))


def _of(attribute: str) -> Text:
    return Text((Hole(BACKUPS, attribute),))
