"""The keys of a step that runs on Lambda, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stepworkflows_cdk.integrations.code import DEFAULT_HANDLER
from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.model import Keys

__all__ = ["DEFAULT_TIMEOUT", "LambdaKeys", "LambdaRuntime", "LambdaSettings"]

DEFAULT_TIMEOUT = 30
"""Seconds."""
_NEWEST_PYTHON = "3.14"


class LambdaSettings(Keys):
    """The settings of the function; `account` and `role` are for one that exists in another account."""

    memory: int = Field(512, ge=128, le=10_240, description="MiB; more memory is more CPU too.")
    timeout: Duration = Field(DEFAULT_TIMEOUT, description="The function's time-out; default: the step's `timeout`.")
    python: str = Field(_NEWEST_PYTHON, pattern=r"^3\.(9|1\d)$", description="The Python version of the runtime.")
    architecture: Literal["arm64", "x86_64"] = Field("arm64", description="The processor.")
    ephemeral_storage: int = Field(512, ge=512, le=10_240, description="MiB of `/tmp`.")
    concurrency: int | None = Field(
        None,
        ge=1,
        description="How many calls may run at once; they are set aside for this function. Default: what the account has.",
    )
    vpc: str | None = Field(
        None, description="The network that it runs in: a name under `resources`. It can then reach what is there."
    )
    account: str | None = Field(
        None, description="The account of a function that exists there; needs `role` and a complete `arn`."
    )
    role: str | None = Field(None, description="The ARN of a role of that account, which may call the function.")


class LambdaRuntime(Keys):
    """The long form of `runs-on`."""

    lambda_: LambdaSettings = Field(description="The settings of the function.")


def _long_form(value: Any) -> Any:
    return {"lambda": {}} if value == "lambda" else value


class LambdaKeys(Keys):
    """The keys of a step that runs on Lambda."""

    runs_on: Annotated[
        LambdaRuntime, BeforeValidator(_long_form, json_schema_input_type=Literal["lambda"] | LambdaRuntime)
    ] = Field(description="`lambda`, or `{lambda: {memory: 512, ...}}`.")
    zip_file: str | None = Field(
        None, min_length=1, description="A folder or a zip with the code, relative to the document."
    )
    image: str | None = Field(
        None,
        description="An image in ECR with the code: `ACCOUNT_ID.dkr.ecr.REGION.amazonaws.com/NAME:TAG`, or `NAME@sha256:...`.",
    )
    arn: str | None = Field(
        None,
        description="An existing function, its version or alias. With code: the name of the one to create; may end in `function:`.",
    )
    handler: str = Field(
        DEFAULT_HANDLER, description="Module and function, such as `handler.handler`; of an image: its command."
    )

    @property
    def settings(self) -> LambdaSettings:
        return self.runs_on.lambda_

    @property
    def made(self) -> bool:
        """Whether the function is made here, and not one that exists already."""
        return self.zip_file is not None or self.image is not None
