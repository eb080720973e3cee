"""What a state machine may do that starts another."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.compiler.plan import Grant, Hole, Text
from stepworkflows_cdk.compiler.texts import executions_arn
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = ["start_grants"]


def start_grants(holder: str, key: str, mark: Mark, *, waited: bool) -> Iterator[Grant]:
    """``holder`` starts executions of the machine with that key, and where they are ``waited`` for follows them to their end:
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html.
    """
    yield Grant(holder, ("states:StartExecution",), Text((Hole(key, "machine_arn"),)), mark)
    if not waited:
        return
    place = (Hole("aws", "region"), ":", Hole("aws", "account"))
    name = ":rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    rule = Text(("arn:", Hole("aws", "partition"), ":events:", *place, name))
    yield Grant(holder, ("states:DescribeExecution", "states:StopExecution"), executions_arn(key), mark)
    yield Grant(holder, ("events:DescribeRule", "events:PutRule", "events:PutTargets"), rule, mark)
