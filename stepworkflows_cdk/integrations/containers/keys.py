"""The keys of a step that runs in a container, and what is wrong with their values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stepworkflows_cdk.integrations.code import DEFAULT_HANDLER, check_code, image_problems
from stepworkflows_cdk.language.checks.resources import undeclared
from stepworkflows_cdk.language.diagnostics import Problem
from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.model import Keys
from stepworkflows_cdk.language.references import WrongValue, is_fixed, parse_value
from stepworkflows_cdk.language.workflow import Step, Workflow

__all__ = [
    "ROOM",
    "ContainerKeys",
    "Ec2Keys",
    "Ec2Settings",
    "FargateKeys",
    "FargateSettings",
    "check_container",
    "check_isolated",
    "memory_of",
    "room_of",
]

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
_GIB = 1024
_SIZES = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}
# Of 8,192 characters, as JSON, that all overrides of a task have; the rest is for what the runner is told:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
ROOM = 6_500
"""Characters for the variables of a step, as :func:`room_of` counts them."""
_LONGEST = 365 * 86_400  # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html


class ContainerSettings(Keys):
    """What Fargate and EC2 have in common."""

    timeout: Duration = Field(
        3600, description="The longest time that the code may take; default: the step's `timeout`."
    )
    python: str = Field(
        "3.14", pattern=r"^3\.(9|1\d)$", description="The Python version of the image that `zip-file` runs in."
    )
    architecture: Literal["arm64", "x86_64"] = Field("arm64", description="The processor.")
    vpc: str | None = Field(
        None, min_length=1, description="The name of a network under `resources`; default: that of the cluster."
    )


class FargateSettings(ContainerSettings):
    """The settings of a container on Fargate."""

    cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384] = Field(256, description="1024 are one processor.")
    memory: int | None = Field(None, description="MiB; default: the least that goes with `cpu`.")
    cluster: str | None = Field(
        None,
        min_length=1,
        description="The name of a cluster under `resources`; default: one that the stack makes, or that you give as `containers`.",
    )
    network: Literal["private"] | None = Field(
        None,
        description="`private`: a network of the stack's without a way to the Internet, for an `image`; it has endpoints, which "
        "cost by the hour, for ECR, logs and each service that the step has `permissions` for.",
    )


class Ec2Settings(ContainerSettings):
    """The settings of a container on instances of a cluster of yours."""

    cluster: str = Field(
        min_length=1, description="The name of a cluster under `resources`; you give it, with capacity."
    )
    capacity: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]+$",
        max_length=255,
        description="The name of a capacity provider of the cluster; default: the instances that it has.",
    )
    cpu: int = Field(256, ge=128, le=196_608, description="1024 are one processor.")
    memory: int = Field(512, ge=6, le=24_576 * _GIB, description="MiB.")


class FargateRuntime(Keys):
    """The long form of `runs-on`."""

    fargate: FargateSettings = Field(description="The settings of the container.")


class Ec2Runtime(Keys):
    """The form of `runs-on`."""

    ec2: Ec2Settings = Field(description="The settings of the container.")


def _long_form(value: Any) -> Any:
    return {"fargate": {}} if value == "fargate" else value


def _no_short_form(value: Any) -> Any:
    if value == "ec2":
        raise ValueError("`{ec2: {cluster: NAME}}`: the instances are those of a cluster of yours")
    return value


class ContainerKeys(Keys):
    """Keys of all steps in containers."""

    zip_file: str | None = Field(
        None, min_length=1, description="A folder or a zip with the code, relative to the document."
    )
    image: str | None = Field(
        None,
        min_length=1,
        description="An image in ECR that speaks the runner's protocol: `ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/NAME:TAG`.",
    )
    handler: str = Field(DEFAULT_HANDLER, description="Module and function, such as `handler.handler`.")


class FargateKeys(ContainerKeys):
    """The keys of a step that runs in a container on Fargate. Same code, same inputs and outputs as on Lambda."""

    runs_on: Annotated[
        FargateRuntime, BeforeValidator(_long_form, json_schema_input_type=Literal["fargate"] | FargateRuntime)
    ] = Field(description="`fargate`, or `{fargate: {cpu: 512, ...}}`.")


class Ec2Keys(ContainerKeys):
    """The keys of a step that runs in a container on EC2 instances."""

    runs_on: Annotated[Ec2Runtime, BeforeValidator(_no_short_form, json_schema_input_type=Ec2Runtime)] = Field(
        description="`{ec2: {cluster: NAME, ...}}`."
    )


def memory_of(settings: FargateSettings | Ec2Settings) -> int:
    """MiB."""
    if settings.memory is not None:
        return settings.memory
    return _SIZES[settings.cpu][0]


def room_of(variables: Mapping[str, str]) -> int:
    """How many characters the variables take in the overrides of a task."""
    return sum(len(json.dumps({"name": name, "value": value})) + 1 for name, value in variables.items())


def check_container(step: Step, settings: FargateSettings | Ec2Settings, workflow: Workflow) -> Iterable[Problem]:
    """What is wrong with the keys beyond their shape."""
    keys = step.work
    assert isinstance(keys, ContainerKeys)
    place = ("runs-on", "fargate" if isinstance(settings, FargateSettings) else "ec2")
    yield from _check_work(step, keys, settings, place)
    yield from _check_time(step, settings, place)
    for place_, names in (("env", step.keys.env), ("secrets", step.keys.secrets)):
        for variable in names or {}:
            if variable.startswith("STEPWORKFLOWS_"):
                message = "names that begin with STEPWORKFLOWS_ are the runner's"
                yield Problem("SW108", message, step.key_mark(place_, variable), "give it another name")
    if workflow.keys.deploy and workflow.keys.deploy.strategy in ("canary", "linear"):
        message = (
            f"a {workflow.keys.deploy.strategy} deployment does not try containers: all get their new code at once"
        )
        hint = "run the code on Lambda, or give the container a flow of its own (`uses`)"
        yield Problem("SW241", message, step.key_mark("runs-on"), hint, "warning")
    variables = {**(step.keys.env or {}), **(step.keys.secrets or {})}
    if room_of(variables) > ROOM:
        message = (
            f"with their names, the variables of a container may have {ROOM:,} characters, not {room_of(variables):,}"
        )
        yield Problem("SW401", message, step.key_mark("env" if step.keys.env else "secrets"), "pass data in `inputs`")
    for key, name in (("network", settings.vpc), ("cluster", settings.cluster)):
        if name is not None:
            yield from undeclared(step, (*place, "vpc" if key == "network" else key), name, key, workflow)
    if isinstance(settings, FargateSettings) and settings.network:
        yield from _check_private(step, keys, settings, place)
    if isinstance(settings, FargateSettings) and memory_of(settings) not in _SIZES[settings.cpu]:
        sizes = ", ".join(map(str, _SIZES[settings.cpu]))
        message = f"with `cpu: {settings.cpu}` Fargate has no {settings.memory} MiB"
        yield Problem("SW401", message, step.mark_of(*place, "memory"), f"it has {sizes}")


def check_isolated(step: Step, settings: FargateSettings | Ec2Settings) -> Iterable[Problem]:
    """What is wrong where containers run in a network without a way to the Internet, unless they are given another."""
    keys = step.work
    assert isinstance(keys, ContainerKeys)
    if keys.zip_file is not None and isinstance(settings, FargateSettings) and settings.vpc is None:
        message = (
            "with this profile containers run in a network without a way to the Internet, and `zip-file` runs in an image of "
            "public.ecr.aws"
        )
        hint = "give the step an `image` in ECR, or a network of yours: `vpc: main`, with `resources: {main: {type: network}}`"
        yield Problem("SW104", message, step.key_mark("zip-file"), hint)


def _check_work(
    step: Step, keys: ContainerKeys, settings: ContainerSettings, place: tuple[str, str]
) -> Iterator[Problem]:
    if keys.zip_file is not None and keys.image is not None:
        message = "the code is given twice, as `zip-file` and as `image`"
        yield Problem("SW104", message, step.key_mark("image"), "remove one of them")
    elif keys.zip_file is not None:
        yield from check_code(step, keys.zip_file, keys.handler)
    elif keys.image is not None:
        yield from _check_image(step, keys.image, settings, place)
    else:
        yield Problem("SW102", "the step's code is missing", step.key_mark("runs-on"), "add `zip-file`, or an `image`")


def _check_image(step: Step, image: str, settings: ContainerSettings, place: tuple[str, str]) -> Iterator[Problem]:
    if step.get("handler") is not None:
        message = "`handler` has no effect on an image, which starts by itself"
        yield Problem("SW107", message, step.key_mark("handler"), "remove it")
    if "python" in settings.model_fields_set:
        mark = step.key_mark(*place, "python")
        yield Problem("SW107", "`python` has no effect on an image, which has a Python of its own", mark, "remove it")
    if not is_fixed(image):
        message = "`image` is fixed at deployment, and this is known only while the flow runs"
        yield Problem("SW215", message, step.mark_of("image"), "write it out, or name `config`")
        return
    try:
        value = parse_value(image)
    except WrongValue:
        return  # reported as what it is
    if isinstance(value, str):
        yield from image_problems(step, value)


def _check_private(
    step: Step, keys: ContainerKeys, settings: FargateSettings, place: tuple[str, str]
) -> Iterator[Problem]:
    mark = step.key_mark(*place, "network")
    if settings.vpc is not None:
        message = "the network is given twice, as `network` and as `vpc`"
        yield Problem("SW104", message, mark, "remove one of them")
    if keys.zip_file is not None:
        message = "`zip-file` runs in a public image, to which `network: private` has no way"
        yield Problem("SW104", message, mark, "give the step an `image` in ECR, or remove `network`")


def _check_time(step: Step, settings: ContainerSettings, place: tuple[str, str]) -> Iterator[Problem]:
    timeout = step.keys.timeout
    written = "timeout" in settings.model_fields_set
    if timeout and not step.whole_input and timeout > _LONGEST:
        yield Problem("SW401", "an execution lasts a year at most", step.mark_of("timeout"), "shorten it")
    if settings.timeout > _LONGEST:
        yield Problem("SW401", "an execution lasts a year at most", step.mark_of(*place, "timeout"), "shorten it")
    if timeout and written:
        message = "the time-out is set twice, here and as the step's `timeout`"
        yield Problem("SW107", message, step.key_mark(*place, "timeout"), "remove one of them")
