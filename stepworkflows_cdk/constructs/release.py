"""A state machine becomes a published version, and an alias that leads new executions to it.

Executions are started by the alias, and go on with the version that they began with, whatever is deployed meanwhile: Step
Functions keeps its definition, and the definition names published versions of functions. All of them are kept. An
execution may call the versions that it knows although the role's policy only names the newest: each version of a function
has a permission of its own for that role, which is kept as well.

What this cannot keep: all else that a deployment changes or removes is at once so for running executions too, such as a
policy that no longer allows a write, or a table or function that no step uses any more. A step that goes should lose its
resources only when the executions that began with it have ended. Nobody removes old versions: Step Functions takes 1,000
of a machine, Lambda 75 GB of code, in an account and region by default.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cd-aliasing-versioning.html
"""

from __future__ import annotations

import hashlib
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stepworkflows_cdk.compiler.plan import Deploy

__all__ = ["OF_A_DEPLOYMENT", "keep_callable", "release"]

OF_A_DEPLOYMENT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Kept, but taken back with the deployment that made it where that fails: Lambda refuses to publish the same code a second
time while the version is there, so a deployment could not be tried again."""

_TYPES = {"all-at-once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}


def release(
    scope: Construct, state_machine: sfn.StateMachine, deploy: Deploy, failures: int
) -> tuple[sfn.CfnStateMachineVersion, sfn.CfnStateMachineAlias, cloudwatch.Alarm | None]:
    """The version and the alias, made in ``scope``, and, where the deployment is watched, the alarm that ``failures`` of
    executions raise, which takes a new version back.
    """
    version = sfn.CfnStateMachineVersion(
        scope,
        "Version",
        state_machine_arn=state_machine.state_machine_arn,
        # Another revision is another version.
        state_machine_revision_id=state_machine.state_machine_revision_id,
    )
    version.apply_removal_policy(RemovalPolicy.RETAIN)
    watch = _failures(scope, state_machine, deploy, failures) if deploy.watched else None
    watching = [watch.alarm_name] if watch is not None else []
    alias = sfn.CfnStateMachineAlias(
        scope,
        "Alias",
        name=deploy.alias,
        deployment_preference=sfn.CfnStateMachineAlias.DeploymentPreferenceProperty(
            state_machine_version_arn=version.ref,
            type=_TYPES[deploy.strategy],
            percentage=deploy.percentage,
            interval=deploy.interval,
            alarms=[*watching, *deploy.alarms] or None,
        ),
    )
    return version, alias, watch


def keep_callable(scope: Construct, function: str, version: lambda_.IVersion, role: iam.IRole, deploy: Deploy) -> None:
    """Lets ``role`` call this version of the ``function`` (its need's id) for as long as there is the version.

    The permission is as new as the version: the next deployment makes another one and leaves this one. A role's ARN is a
    principal that Lambda takes, and within one account it needs no other permission:
    https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

    In a watched deployment, executions begin with versions that may be taken back, and go on with them. Those are kept
    then, whatever becomes of the deployment; its price is that code which was taken back cannot be published again as it
    was ("A version for this Lambda function exists"): change it, if only a variable.
    """
    kept = RemovalPolicy.RETAIN if deploy.watched else OF_A_DEPLOYMENT
    published = cast(lambda_.CfnVersion, version.node.default_child)
    permission = lambda_.CfnPermission(
        scope,
        f"Calls-{function}",
        action="lambda:InvokeFunction",
        function_name=version.function_arn,
        principal=role.role_arn,
    )
    # The version's logical id, which ends with a hash of code and settings, and the machine's.
    machine = hashlib.sha256(scope.node.id.encode()).hexdigest()[:8]
    permission.override_logical_id(f"{published.logical_id}{machine}")
    permission.apply_removal_policy(kept)
    if deploy.watched:
        published.apply_removal_policy(kept)


def _failures(scope: Construct, state_machine: sfn.StateMachine, deploy: Deploy, failures: int) -> cloudwatch.Alarm:
    """Executions that were started by the alias, and failed or timed out, in a minute. While both versions are in use
    these are of both.

    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    """
    metrics = {
        name: cloudwatch.Metric(
            namespace="AWS/States",
            metric_name=metric,
            dimensions_map={"StateMachineArn": state_machine.state_machine_arn, "Alias": deploy.alias},
            statistic="Sum",
            period=Duration.minutes(1),
        )
        for name, metric in (("failed", "ExecutionsFailed"), ("late", "ExecutionsTimedOut"))
    }
    return cloudwatch.Alarm(
        scope,
        "Deployment",
        alarm_description=f"Executions by the alias {deploy.alias} fail: a deployment that goes on is taken back",
        metric=cloudwatch.MathExpression(
            expression="FILL(failed, 0) + FILL(late, 0)",
            label="failed or timed out",
            using_metrics=metrics,
            period=Duration.minutes(1),
        ),
        threshold=failures,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
