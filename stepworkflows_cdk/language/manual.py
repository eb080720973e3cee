"""The models become a page: every key of the documents, its default and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stepworkflows_cdk.language.contract import Schema
from stepworkflows_cdk.language.model import (
    ArmKeys,
    CatchKeys,
    ConfigKeys,
    FailKeys,
    FlowKeys,
    OutputKeys,
    RequireKeys,
    RetryKeys,
    SecretKeys,
    StepKeys,
    UntilKeys,
)
from stepworkflows_cdk.language.workflow import WorkKey

__all__ = ["manual"]

_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("A flow (`type: RunnableStep`)", FlowKeys),
    ("A step", StepKeys),
    ("An output, in its long form", OutputKeys),
    ("`inputs` of a flow: the contract", Schema),
    ("`retry`", RetryKeys),
    ("`catch`", CatchKeys),
    ("An arm of `switch`", ArmKeys),
    ("`wait: {until: ...}`", UntilKeys),
    ("`require`", RequireKeys),
    ("`fail`", FailKeys),
    ("`config`", ConfigKeys),
    ("`secrets` of a flow", SecretKeys),
)


def manual(integrations: Sequence[WorkKey]) -> str:
    """The page, as Markdown."""
    return "\n".join([*_head(), *_parts(), *_integrations(integrations)]) + "\n"


def _head() -> Iterator[str]:
    yield "# The keys of the documents"
    yield ""
    yield "Generated from the models by `UPDATE_GOLDEN=1 pytest tests/language/test_manual.py`; a test compares it."
    yield ""


def _parts() -> Iterator[str]:
    for title, model in _PARTS:
        yield from _table(f"## {title}", model)


def _integrations(integrations: Sequence[WorkKey]) -> Iterator[str]:
    for integration in integrations:
        if integration.keys:
            runtime = f": {integration.runtime}" if integration.runtime else ""
            yield from _table(f"## Work: `{integration.key}{runtime}`", integration.keys)
            for field in integration.keys.model_fields.values():
                yield from _nested(field)
        for type_, model in integration.resource_types.items():
            yield from _table(f"## `resources` of the type `{type_}`", model)


def _nested(field: FieldInfo) -> Iterator[str]:
    inner = field.annotation
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        yield from _table(f"### In `{field.alias}`", inner)
        for deeper in inner.model_fields.values():
            yield from _nested(deeper)


def _table(title: str, model: type[BaseModel]) -> Iterator[str]:
    yield title
    yield ""
    yield " ".join((model.__doc__ or "").split())
    yield ""
    yield "| key | default | meaning |"
    yield "|--|--|--|"
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _default(field)
        yield f"| `{field.alias or name}` | {default} | {(field.description or '').replace('|', chr(92) + '|')} |"
    yield ""


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text and text != "{}" else ""
