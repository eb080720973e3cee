"""The keys of a test of a flow: what it is given, and what has to come of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from stepworkflows_cdk.language.durations import Duration
from stepworkflows_cdk.language.keys import Keys

__all__ = ["CaseKeys", "ExpectKeys"]


class ExpectKeys(Keys):
    """What has to come of a run. A mapping has to have the keys that are written; a list has to be as long, and each of its
    items as it is written.
    """

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] | None = Field(
        None, description="How the execution ends; default: `FAILED` with an `error`, else `SUCCEEDED`."
    )
    output: Any = Field(None, description="Its output.")
    error: str | None = Field(None, description="The name of the error that it fails with.")
    lasts: Duration | None = Field(None, description="How long it takes, in seconds of its own time.")
    mails: list[dict[str, Any]] | None = Field(
        None, description="The mails, in their order: `from`, `to` (a list), `subject`, `text`, `html`."
    )
    events: list[dict[str, Any]] | None = Field(
        None, description="The events that are sent: `bus`, `source`, `detail-type`, `detail`."
    )
    messages: list[dict[str, Any]] | None = Field(
        None, description="The messages that are sent: `queue` or `topic`, `body`, `subject`."
    )
    tables: dict[str, list[dict[str, Any]]] | None = Field(
        None, description="Table -> all its rows at the end, sorted by key."
    )
    files: dict[str, dict[str, Any]] | None = Field(None, description="Bucket -> key -> text.")

    @model_validator(mode="after")
    def _one_end(self) -> ExpectKeys:
        if self.error is not None and self.status == "SUCCEEDED":
            raise ValueError("of one end: an execution with an `error` has not succeeded")
        return self


class CaseKeys(Keys):
    """One test: `stepworkflows test` runs the flow here, and compares."""

    description: str = Field("", description="For readers.")
    input: Any = Field(default_factory=dict, description="The execution's input.")
    events: list[dict[str, Any]] = Field(
        default_factory=list,
        description="What is there before, what comes from outside, what goes wrong: as in a file for `run --events`.",
    )
    config: dict[str, Any] = Field(default_factory=dict, description="Values for names under `config`.")
    expect: ExpectKeys = Field(description="What has to come of it.")
