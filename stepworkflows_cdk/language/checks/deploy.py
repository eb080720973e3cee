"""Deployment: what AWS takes as a gradual change of versions, and keys that fit the strategy."""

from __future__ import annotations

from collections.abc import Iterator

from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.references import WrongValue, is_fixed, parse_value, references_in
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["INTERVAL", "PERCENTAGE", "check"]

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-stepfunctions-statemachinealias-deploymentpreference.html
_LONGEST, _MOST_ALARMS, _NAME = 2100 * 60, 100, 256
INTERVAL, PERCENTAGE = 300, 10
"""What gradual strategies take where nothing is written."""
_DEPLOYMENT = 2160 * 60
"""Seconds that CloudFormation gives the update of an alias."""


def check(workflow: Workflow) -> Iterator[Problem]:
    keys, document = workflow.keys.deploy, workflow.document
    if keys is None:
        return
    for key in ("percentage", "interval") if keys.strategy == "all-at-once" else ():
        if getattr(keys, key) is not None:
            message = f"`{key}` has no effect where all executions get the new version at once"
            hint = "add `strategy: canary` or `strategy: linear`, or remove it"
            yield Problem("SW107", message, document.key_mark(("deploy", key)), hint)
    if keys.interval is not None and (keys.interval % 60 or keys.interval > _LONGEST):
        message = "the interval of a deployment is whole minutes, 35 hours at most"
        yield Problem("SW401", message, document.mark(("deploy", "interval")), "write it as `5m` or `2h`")
    elif keys.strategy == "linear" and (_parts(keys.percentage) - 1) * (keys.interval or INTERVAL) > _DEPLOYMENT:
        message = f"in {_parts(keys.percentage)} parts this deployment lasts longer than the 36 hours that it may"
        yield Problem(
            "SW401", message, document.key_mark(("deploy", "strategy")), "shorten `interval`, or raise `percentage`"
        )
    names = keys.alarms if isinstance(keys.alarms, list) else []
    if len(names) > _MOST_ALARMS - 1:
        message = f"a deployment watches {_MOST_ALARMS} alarms at most, one of which is the flow's own"
        yield Problem("SW401", message, document.mark(("deploy", "alarms")), "name fewer, or a composite alarm")
    for index, name in enumerate(names):
        mark = document.mark(("deploy", "alarms", index))
        # CloudWatch holds an alarm that does not exist for one that is fine: nothing would ever take the version back.
        if name.startswith("arn:"):
            yield Problem(
                "SW114", "an alarm is watched by its name, not by its ARN", mark, "write what stands behind `:alarm:`"
            )
        elif "{" in name:
            if not is_fixed(name) or not _declared(name, workflow):
                message = "the name of an alarm is fixed when the flow is compiled, and this is not known then"
                yield Problem("SW215", message, mark, "write it out, or name `config`: `errors-{config.stage}`")
        elif not 0 < len(name) <= _NAME:
            yield Problem("SW401", f"the name of an alarm has 1 to {_NAME} characters", mark, "write its name")


def _declared(name: str, workflow: Workflow) -> bool:
    """Whether the config that a name is made of is declared, and nothing in it is no reference."""
    try:
        names = [reference.parts[1:] for reference in references_in(parse_value(name))]
    except WrongValue:
        return False
    return bool(names) and all(len(parts) == 1 and parts[0] in workflow.config for parts in names)


def _parts(percentage: int | None) -> int:
    return -(-100 // (percentage or PERCENTAGE))
