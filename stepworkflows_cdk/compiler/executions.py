"""What a state machine that starts another may do, and what it hears of its end."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.compiler.contract import regex
from stepworkflows_cdk.compiler.integration import CAUSE, ERROR
from stepworkflows_cdk.compiler.plan import Grant, Hole, Text
from stepworkflows_cdk.compiler.texts import executions_arn
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = [
    "DESCRIBE_ERRORS",
    "FAILED",
    "FAILED_CAUSE",
    "FAILED_ERROR",
    "START_ERRORS",
    "UNLISTED",
    "start_grants",
]

START_ERRORS = tuple(
    f"StepFunctions.{name}"
    for name in (
        "ExecutionLimitExceeded",
        "ExecutionLimitExceededException",
        "InternalServerException",
        "KmsThrottlingException",
        "SdkClientException",
        "ServiceUnavailableException",
        "AWSStepFunctionsException",
    )
)
"""Errors of a start that a second one may heal; its name keeps it from starting twice. The last is the name of all that the
service's model does not list, such as too many calls:
https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html.
"""
UNLISTED = "Sfn.SfnException"
"""The same of any other call of Step Functions."""
DESCRIBE_ERRORS = ("Sfn.SdkClientException", UNLISTED)
"""Errors of a look at an execution that a second one may heal."""
FAILED = "States.TaskFailed"
"""The name under which a flow that was waited for fails."""
_TRUNCATED = regex('"Status"\\s*:\\s*"[A-Z_]+"[^{}\\[\\]]*\\}$')
_NAME = regex('[{,]\\s*"Error"\\s*:\\s*"([^"\\\\]+)"')
FAILED_ERROR = (
    f"($c := {CAUSE}; $m := $match($c, {_NAME}, 1); {ERROR} != '{FAILED}' ? {ERROR} : $exists($m) ? $m.groups[0]"
    f" : $contains($c, '\"Status\":\"TIMED_OUT\"') ? 'States.Timeout' : {ERROR})"
)
FAILED_CAUSE = (
    f"($c := {CAUSE}; {ERROR} = '{FAILED}' and $contains($c, {_TRUNCATED})"
    " ? ($d := $parse($c); $exists($d.Cause) ? $d.Cause : '') : $c)"
)
"""JSONata for the error and the cause of a flow that failed. It comes as :data:`FAILED`, with the description of its execution
as the cause: JSON with Error and Cause. Of a long one the end may be missing."""


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
