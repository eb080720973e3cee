"""``stepworkflows explain``: why each state, resource and permission is there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from stepworkflows_cdk.cli.options import add_config, add_flow, add_json, config_of, library_of
from stepworkflows_cdk.compiler.causes import Cause, causes
from stepworkflows_cdk.definition import Definition, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.ids import StepId, WrongId, meant

__all__ = ["add"]

_TITLES = {
    "state": "states of {}",
    "need": "needs",
    "permission": "{} may",
    "added": "{} may as well, whatever the documents say",
}
_NOTE = """\
What is encrypted with a key, by a profile or your own, may be used with its key as well: each permission on it comes with
kms:Decrypt or what else its service asks for, tied to that service. What lets AWS's services in (policies of queues, topics,
buckets and functions, the logs of networks and APIs) names no role of the flow."""
_WIDTH = 48


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        "explain", help="tell for each state, resource and permission the lines that caused it"
    )
    add_flow(parser)
    add_config(parser)
    parser.add_argument(
        "--step",
        metavar="ID",
        help="only what this step causes, alone or with others; FLOW/ID where several flows have such a step",
    )
    add_json(parser, "print a JSON list, and nothing else; of problems, where the documents have some")
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    definition = Definition.load(*given.flow, library=library_of(given))
    bundle = compile_workflow(definition, config=config_of(given, definition))
    found = causes(bundle, definition.integrations)
    if given.step is not None:
        found = _of_step(
            given.step, found, [(flow.id, step.title) for flow in definition.workflows for step in flow.all_steps]
        )
    if given.json:
        print(json.dumps([_plain(cause) for cause in found], ensure_ascii=False, indent=2))
    else:
        print("\n\n".join((*_paragraphs(found), _NOTE)))
    return 0


def _of_step(written: str, found: Sequence[Cause], steps: Sequence[StepId]) -> tuple[Cause, ...]:
    try:
        step = meant(written, steps)
    except WrongId as error:
        raise ConfigurationError(f"--step: {error}") from None
    return tuple(cause for cause in found if any((mark.flow, mark.step) == step for mark in cause.marks))


def _paragraphs(found: Iterable[Cause]) -> Iterable[str]:
    for (what, holder), group in groupby(
        found, key=lambda cause: (cause.what, _TITLES[cause.what].format(cause.holder))
    ):
        yield "\n".join([holder, *(line for cause in group for line in _lines(what, cause))])


def _lines(what: str, cause: Cause) -> Iterable[str]:
    """What it is, and beside it the places, one a line."""
    name = f"{cause.name} ({cause.holder})" if what == "need" else cause.name
    places = dict.fromkeys(f"{mark}{f' ({mark.step})' if mark.step else ''}" for mark in cause.marks)
    if len(name) > _WIDTH:
        yield f"  {name}"
        name = ""
    for place in places:
        yield f"  {name:<{_WIDTH}}  {place}"
        name = ""


def _plain(cause: Cause) -> dict[str, Any]:
    marks = [
        {"file": mark.file, "line": mark.line, "column": mark.column, **({"step": mark.step} if mark.step else {})}
        for mark in cause.marks
    ]
    return {"what": cause.what, "holder": cause.holder, "name": cause.name, "causes": marks}
