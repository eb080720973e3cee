"""What can be done with a workflow that is deployed, here or long ago: let others start, stop, read it, and measure it."""

from __future__ import annotations

from typing import Any

from aws_cdk import Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stepworkflows_cdk.errors import ConfigurationError

__all__ = ["Executions", "ImportedWorkflow"]


class Executions:
    """The grants and metrics of a workflow."""

    state_machine: sfn.IStateMachine
    start_arn: str
    """What an execution is started by: the ARN of the alias, where there is one."""
    guarded: sfn.IStateMachine | None = None
    """What does the work of a flow with ``guard``. Whoever stops its execution, which has the same name, has the flow's end run;
    where that of the flow itself is stopped, both end where they are."""
    _alias_name: str | None

    def grant_start_execution(self, grantee: iam.IGrantable) -> iam.Grant:
        """Lets ``grantee`` start the workflow by :attr:`start_arn`, and where that is an alias by nothing else.

        Step Functions asks for a permission on the machine, and gives the alias as a condition:
        https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
        """
        alias = self._alias_name
        by_alias = {"ForAnyValue:StringEquals": {"states:StateMachineQualifier": [alias]}} if alias else {}
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:StartExecution"],
            resource_arns=[self.state_machine.state_machine_arn],
            conditions=by_alias or None,
        )

    def grant_execution(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Lets ``grantee`` do something with the executions of this workflow, all of them: their names are not known here."""
        return self.state_machine.grant_execution(grantee, *actions)

    def grant_stop_execution(self, grantee: iam.IGrantable) -> iam.Grant:
        """Lets ``grantee`` abort executions: of a flow with ``guard`` those of :attr:`guarded`, whose guard then runs the flow's
        end. Of others nothing is undone, and no handler runs.
        """
        return (self.guarded or self.state_machine).grant_execution(grantee, "states:StopExecution")

    def grant_redrive_execution(self, grantee: iam.IGrantable) -> iam.Grant:
        """Lets ``grantee`` redrive executions that failed, timed out or were aborted in the last 14 days.

        A redrive goes on at the state that failed, with the definition and the functions that the execution began with, so it
        helps where something outside was wrong; code that was wrong wants a new execution. What was undone stays undone.
        https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
        """
        return self.grant_execution(grantee, "states:RedriveExecution")

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Lets ``grantee`` see this workflow and its executions, with their data; no other workflow."""
        machine = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=[
                "states:DescribeStateMachine",
                "states:DescribeStateMachineAlias",
                "states:ListExecutions",
                "states:ListStateMachineAliases",
                "states:ListStateMachineVersions",
            ],
            resource_arns=[self.state_machine.state_machine_arn],
        )
        return machine.combine(
            self.grant_execution(
                grantee,
                "states:DescribeExecution",
                "states:DescribeStateMachineForExecution",
                "states:GetExecutionHistory",
            )
        )

    def metric_started(self, **options: Any) -> cloudwatch.Metric:
        """The number of executions that began; ``options`` of this and the others as those of ``cloudwatch.Metric``."""
        return self.state_machine.metric_started(**options)

    def metric_succeeded(self, **options: Any) -> cloudwatch.Metric:
        """The number of executions that ended well."""
        return self.state_machine.metric_succeeded(**options)

    def metric_failed(self, **options: Any) -> cloudwatch.Metric:
        """The number of executions that failed."""
        return self.state_machine.metric_failed(**options)

    def metric_timed_out(self, **options: Any) -> cloudwatch.Metric:
        """The number of executions whose time was over."""
        return self.state_machine.metric_timed_out(**options)

    def metric_aborted(self, **options: Any) -> cloudwatch.Metric:
        """The number of executions that somebody stopped."""
        return self.state_machine.metric_aborted(**options)

    def metric_throttled(self, **options: Any) -> cloudwatch.Metric:
        """The number of state transitions that the account's quota held back."""
        return self.state_machine.metric_throttled(**options)

    def metric_time(self, **options: Any) -> cloudwatch.Metric:
        """The milliseconds that executions take."""
        return self.state_machine.metric_time(**options)


class ImportedWorkflow(Executions, Construct):
    """A workflow that another stack, or another app, has deployed. Made by ``StepWorkflow.from_arn``."""

    def __init__(self, scope: Construct, construct_id: str, arn: str) -> None:
        super().__init__(scope, construct_id)
        machine, alias = arn, None
        if not Token.is_unresolved(arn):
            parts = arn.split(":")
            if parts[:1] != ["arn"] or parts[2:3] != ["states"] or parts[5:6] != ["stateMachine"] or len(parts) > 8:
                raise ConfigurationError(
                    f"from_arn: {arn!r} is no ARN of a state machine; pass arn:aws:states:REGION:ACCOUNT:stateMachine:NAME, "
                    "or with :ALIAS behind it"
                )
            machine, alias = ":".join(parts[:7]), next(iter(parts[7:]), None)
        self.state_machine = sfn.StateMachine.from_state_machine_arn(self, "StateMachine", machine)
        self.start_arn = arn
        self._alias_name = alias
