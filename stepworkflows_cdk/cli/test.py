"""``stepworkflows test``: the tests that a flow brings along, each run on this machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.cli.options import add_flow, add_json, library_of
from stepworkflows_cdk.definition import Definition
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.shape import nearest

if TYPE_CHECKING:
    from stepworkflows_cdk.compiler.bundle import Bundle
    from stepworkflows_cdk.local.cases import Outcome

__all__ = ["add"]


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("test", help="run the tests that the flow has under `tests`")
    add_flow(parser)
    parser.add_argument("--only", metavar="NAME", help="this test alone")
    add_json(parser, "print a JSON list, and nothing else")
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    from stepworkflows_cdk.cli.missing import Causes
    from stepworkflows_cdk.cli.nodes import nodes_of
    from stepworkflows_cdk.local.cases import run_cases

    definition = Definition.load(*given.flow, library=library_of(given), wrong_tests=True)
    flow = definition.workflows[0]
    names = list(flow.keys.tests or {})
    if not names:
        raise ConfigurationError(f"the flow {flow.id} has no `tests`")
    if given.only is not None and given.only not in names:
        hint = nearest(given.only, names) or f"there are {', '.join(names)}"
        raise ConfigurationError(f"--only {given.only}: the flow {flow.id} has no such test; {hint}")
    folder = definition.report.folder

    def listen(bundle: Bundle) -> Causes:
        return Causes(nodes_of(definition.workflows, bundle))

    outcomes = [_shown(outcome, folder, given.json) for outcome in run_cases(definition, listen, given.only)]
    failed = [outcome for outcome in outcomes if outcome.faults]
    if given.json:
        print(json.dumps([_plain(outcome) for outcome in outcomes], ensure_ascii=False, indent=2))
    else:
        print(f"{len(outcomes)} run, {len(failed)} failed")
    return 1 if failed else 0


def _shown(outcome: Outcome, folder: str, silent: bool) -> Outcome:
    if not silent:
        print("\n".join(_lines(outcome, folder)))
    return outcome


def _lines(outcome: Outcome, folder: str) -> Iterable[str]:
    if not outcome.faults:
        yield f"ok    {outcome.name}"
        return
    yield f"FAIL  {outcome.name}  {folder}{outcome.mark}"
    yield from (f"      {fault}" for fault in outcome.faults)


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "ok": not outcome.faults,
        "faults": list(outcome.faults),
        "run": outcome.result and outcome.result.to_json(),
    }
