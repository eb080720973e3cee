"""What all mappings of a document have in common, whatever keys they have."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

__all__ = ["ID", "STEP", "ErrorName", "Inputs", "Keys", "StepValue", "Steps", "alias", "key_names", "model_in"]

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


def _error_name(value: str) -> str:
    if not re.match(_ERROR, value):
        raise ValueError(
            "a fixed name of at most 256 characters, without braces, `%` and blanks around it: others catch it by that name"
        )
    return value


# https://docs.aws.amazon.com/step-functions/latest/apireference/API_ExecutionFailedEventDetails.html
_ERROR = r"^[^\s{}%]([^{}%\x00-\x1f\x7f]{0,254}[^\s{}%])?$"
ErrorName = Annotated[str, AfterValidator(_error_name), Field(json_schema_extra={"pattern": _ERROR})]
"""The name of an error that a flow raises."""


def alias(name: str) -> str:
    """The key in a document for a field of a model: ``on_error`` is ``on-error``."""
    return name.rstrip("_").replace("_", "-")


class Keys(BaseModel):
    """A mapping in a document: every key is known, every value has the written type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=alias)


def key_names(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a model as they are written."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model in a type, such as that of a key that may be left away."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := model_in(argument):
            return found
    return None
