"""Ids of steps: made from names (``Send Confirmation`` -> ``send-confirmation``), and found again by what people write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from stepworkflows_cdk.language.shape import nearest

__all__ = ["StepId", "WrongId", "guarded_id", "id_of", "meant", "shown", "slug"]

StepId = tuple[str, str]
"""A flow's id and a step's, which only together are unlike all others. Without a step's it is the flow itself."""


class WrongId(ValueError):
    """What is wrong with the id of a step that somebody wrote, and what can be written."""


def slug(name: str) -> str | None:
    """The id of a step or flow that has a name only; None where none can be made."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:63]
    return found if found[:1].isalpha() else None


def id_of(written: Mapping[str, Any]) -> str | None:
    """The id of a step or flow as it stands in a document, None where it has none of its own."""
    id_, name = written.get("id"), written.get("name")
    return id_ if isinstance(id_, str) else slug(name) if isinstance(name, str) else None


def meant(written: str, known: Iterable[StepId]) -> StepId:
    """The step that a person means: by its id alone, or where several have that, by ``flow/step``.

    Raises :class:`WrongId` where none has it, or several.
    """
    ids = list(dict.fromkeys(known))
    found = [(flow, step) for flow, step in ids if written in (step or flow, f"{flow}/{step}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongId(f"{written!r} is several steps; write {' or '.join(f'`{f}/{s}`' for f, s in found)}")
    names = shown(ids)
    hint = nearest(written, names) or f"there are {', '.join(sorted(names))}"
    raise WrongId(f"no step has the id {written!r}; {hint}")


def shown(known: Iterable[StepId]) -> dict[str, StepId]:
    """The shortest id of each step by which it is meant."""
    ids = list(dict.fromkeys(known))
    plain = [step or flow for flow, step in ids]
    long = [f"{flow}/{step}" for flow, step in ids]
    return {one if plain.count(one) == 1 else other: id_ for one, other, id_ in zip(plain, long, ids, strict=True)}


def guarded_id(flow: str) -> str:
    """The id of the machine that does the work of a flow with ``guard``; the one with the flow's own id guards it."""
    return f"{flow}-guarded"
