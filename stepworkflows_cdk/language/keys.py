"""What all mappings of a document have in common, whatever keys they have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

__all__ = ["ID", "STEP", "Inputs", "Keys", "StepValue", "Steps", "alias"]

ID = r"^[a-z][a-z0-9-]{0,62}$"
"""What ids of steps and flows look like."""
STEP = {"$comment": "a step"}
"""What stands in the JSON Schema of a model where a step is; the schema of whole documents has it defined."""
StepValue = Annotated[Any, WithJsonSchema(STEP)]
"""A step as it is written: read by itself, since its work keys are those of the integrations."""
Steps = list[StepValue]


def _given(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("a mapping, or one expression that gives the list: `{% [...] %}`")
    return value


Inputs = Annotated[dict[str, Any] | str, BeforeValidator(_given, json_schema_input_type=dict[str, Any] | str)]
"""What a step is given: each by its name, or one value."""


def alias(name: str) -> str:
    """The key in a document for a field of a model: ``on_error`` is ``on-error``."""
    return name.rstrip("_").replace("_", "-")


class Keys(BaseModel):
    """A mapping in a document: every key is known, every value has the written type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=alias)
