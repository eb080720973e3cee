"""The keys of tries and time-outs, as a step, a policy or the defaults of a flow have them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.keys import Keys

__all__ = ["DefaultKeys", "PolicyKeys", "Retry", "RetryKeys"]


class RetryKeys(Keys):
    """One rule for tries after the first."""

    errors: list[str] = Field(
        default_factory=lambda: ["transient"],
        min_length=1,
        description="Names of errors; `transient` is the service's own set.",
    )
    when: str | None = Field(
        None, description="A condition on `{error.type}` and `{error.cause}`; only where it holds there is another try."
    )
    attempts: int = Field(
        5, ge=0, le=1000, description="Tries after the first; 0 switches the default off for these errors."
    )
    interval: Duration = Field(2, description="The time before the second try.")
    backoff: float = Field(2.0, ge=1, le=100, description="The factor by which the time grows.")
    max_interval: Duration | None = Field(60, description="The longest time between two tries.")
    jitter: bool = Field(
        True, description="Wait a random part of the time, so that many executions do not come back at once."
    )


def _list(value: Any) -> Any:
    if not isinstance(value, dict | list):
        raise ValueError("a rule, or a list of rules; a policy is named as `policy: NAME`")
    return [value] if isinstance(value, dict) else value


Retry = Annotated[list[RetryKeys], BeforeValidator(_list, json_schema_input_type=RetryKeys | list[RetryKeys])]


class PolicyKeys(Keys):
    """One policy: what a step that names it has, unless the step says otherwise itself."""

    retry: Retry | None = Field(None, description="When to try again, one rule or a list.")
    timeout: Duration | None = Field(None, description="The longest time that the work may take.")


class DefaultKeys(Keys):
    """What every step that does work has, also one of a library, unless it says otherwise itself; waits and other flows aside.

    Beside these keys, a work key or a runtime with its own keys, such as `email: {from: shop@example.com}` or `lambda:
    {memory: 1024}`, is for the steps that have it. What is nearest to the step counts: its own keys, then its policy, then
    these. Lists and mappings are not merged.
    """

    policy: str | None = Field(None, description="The name of a policy.")
    retry: Retry | None = Field(None, description="When to try again, one rule or a list.")
    timeout: Duration | None = Field(None, description="The longest time that the work may take.")
