"""The keys of a `for-each`: where its items are, how many are worked on, what may fail."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from stepworkflows_cdk.language.keys import Keys

__all__ = ["ForEachKeys", "ResultsKeys", "SourceKeys"]


class SourceKeys(Keys):
    """Where the items are: a file, or all files whose keys begin with something."""

    bucket: str = Field(description="The name of a bucket under `resources`.")
    key: str | None = Field(
        None,
        min_length=1,
        description="The key of a file: `.json` holds a list, `.jsonl` a value on each line, `.csv` a row on each line, "
        "the first naming the columns; the item is then an object of texts.",
    )
    prefix: str | None = Field(
        None, description="What the keys begin with; the item has `key`, `size` (bytes) and `modified` of one file."
    )

    format: Literal["json", "jsonl", "csv"] | None = Field(
        None, description="What the file is, where its `key` is known only while the flow runs."
    )

    @model_validator(mode="after")
    def _one(self) -> SourceKeys:
        if (self.key is None) == (self.prefix is None):
            raise ValueError("one file by its `key`, or many by their `prefix`")
        if self.format and self.prefix is not None:
            raise ValueError("one file by its `key` where it has a `format`")
        return self


class ResultsKeys(Keys):
    """Where results are written."""

    bucket: str = Field(description="The name of a bucket under `resources`.")
    prefix: str = Field(min_length=1, description="What the keys of the files begin with.")


def _tolerated(value: Any) -> Any:
    percentage = isinstance(value, str) and re.fullmatch(r"(?!0+(\.0+)?%)(100|\d{1,2}(\.\d{1,2})?)%", value)
    if percentage or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError("a number of items from 1, or a part of them such as 5%")


class ForEachKeys(Keys):
    """Does the work, or the `steps`, once for each item of a list.

    With `source`, `batch`, `tolerate` or `results` it is distributed: each item, or batch, is an execution of its own, with
    a history of its own, and inside `execution` means that one. So there may be millions of them.
    """

    items: Any = Field(None, description="The list: a reference, an expression or a literal.")
    source: SourceKeys | None = Field(None, description="The list is in files, instead of `items`.")
    as_: str = Field(
        "item", pattern=r"^[^\W\d][\w\-]*$", description="What the item is called inside; beside it there is `index`."
    )
    concurrency: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="How many items are worked on at the same time; default: as many as can be, 40, distributed 10,000.",
    )
    max_items: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        description="A list of more items fails as `TooManyItems`, before any is worked on; of a `source` only so many are "
        "read.",
    )
    batch: int | None = Field(
        None, ge=1, description="Works on so many items at once; `as` is then a list of them, and there is no `index`."
    )
    tolerate: Annotated[int | str | None, BeforeValidator(_tolerated, json_schema_input_type=int | str)] = Field(
        None,
        description="How many items may fail, a number or a part of them such as `5%`; of such an item the outputs are their "
        "defaults. One more stops all, as `States.ExceedToleratedFailureThreshold`.",
    )
    results: ResultsKeys | None = Field(
        None,
        description="Writes what each item gave into files. Behind the step, `{steps.ID.outputs.results}` has "
        "`bucket` and `key` of their manifest; the steps inside have no outputs outside. "
        "The first item that fails stops all, unless `tolerate` says more.",
    )
    collect: bool = Field(
        False,
        description="`true`: an item that fails does not end the flow; the output `errors` has `type` and `cause` for each "
        "item, null where it went well.",
    )

    @model_validator(mode="after")
    def _one(self) -> ForEachKeys:
        if ("items" in self.model_fields_set) == (self.source is not None):
            raise ValueError("told its list by `items` or by `source`, one of them")
        return self

    @property
    def distributed(self) -> bool:
        """Whether each item, or batch, is an execution of its own."""
        return bool(self.source or self.batch or self.may_fail)

    @property
    def may_fail(self) -> bool:
        """Whether the execution of an item that fails is one that failed; else it hands its error out."""
        return self.tolerate is not None or self.results is not None
