"""``stepworkflows run``: the flow on this machine, with the real code of its steps."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.cli.options import add_config, add_flow, add_json, config_of, library_of
from stepworkflows_cdk.cli.output import write
from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.definition import Definition, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.document import SyntaxProblem
from stepworkflows_cdk.language.json_source import read_json
from stepworkflows_cdk.language.usage import inferred_inputs

if TYPE_CHECKING:
    from stepworkflows_cdk.cli.nodes import Place
    from stepworkflows_cdk.cli.stays import Stay
    from stepworkflows_cdk.local import Event, RunResult

__all__ = ["add"]

_EVENTS = "events.json"
_DEPTH = 500
"""How deep the values of events may be."""


def add(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("run", help="run the flow here: no AWS, no Docker, no waiting")
    add_flow(parser)
    add_config(parser)
    parser.add_argument(
        "--input",
        metavar="FILE",
        help="the execution's input as JSON, - for standard input; default: the flow's sample",
    )
    parser.add_argument(
        "--events",
        metavar="FILE",
        help="what is there before and what comes from outside, as JSON; default: the flow's sample",
    )
    parser.add_argument("--seed", type=int, default=0, help="decides everything random; default: 0")
    parser.add_argument("--real-time", action="store_true", help="let waits last")
    add_json(parser, "print one JSON object, and nothing else; a list of problems, where the documents have some")
    parser.add_argument(
        "--report", metavar="FILE", help="also write the run as one HTML page: the path taken, mails, rows, result"
    )
    parser.set_defaults(do=_do)


def _do(given: argparse.Namespace) -> int:
    from stepworkflows_cdk.cli.nodes import nodes_of
    from stepworkflows_cdk.cli.refusals import faults_of_input, is_refused
    from stepworkflows_cdk.local import run

    definition = Definition.load(*given.flow, library=library_of(given))
    bundle = compile_workflow(definition, config=config_of(given, definition))
    sample = Path(given.flow[0]).parent / "sample"
    input_, source = _input(given.input, sample, definition)
    outside, origins = _events(given.events, sample)
    flow = definition.workflows[0].name
    folder = Path(given.flow[0]).parent
    watched = _Watched(nodes_of(definition.workflows, bundle), folder, None if given.json else (flow, source))

    result = run(
        bundle,
        input_,
        integrations=definition.integrations,
        outside=outside,
        origins=origins,
        seed=given.seed,
        real_time=given.real_time,
        listener=watched.hear,
    )
    if watched.display and is_refused(result, watched.began):
        watched.display.refuse(faults_of_input(result.cause or "", definition.workflows[0].keys.inputs or {}))
    elif watched.display:
        watched.display.end(result)
    else:
        print(json.dumps(watched.told(result), ensure_ascii=False, indent=2))
    if given.report is not None:
        write(Path(given.report), _report(bundle, watched, result, title=flow, source=source, given=input_))
    return 0 if result.status == "SUCCEEDED" else 1


class _Watched:
    """A run as it is watched: its events, the stays in its steps, and a display of both where somebody looks on."""

    def __init__(self, places: Mapping[str, Place], folder: Path, shown: tuple[str, str] | None) -> None:
        from stepworkflows_cdk.cli.display import Display
        from stepworkflows_cdk.cli.stays import Stays

        self._events: list[Event] = []
        self._ended: list[Stay] = []
        self._stays = Stays(places, folder, self._end)
        self.display = Display(*shown, places, self._stays) if shown else None

    @property
    def began(self) -> bool:
        """Whether any step did."""
        return bool(self._ended)

    def hear(self, event: Event) -> None:
        self._events.append(event)
        if self.display:
            self.display.begin()
        self._stays.hear(event)
        if self.display:
            self.display.show(event)

    def _end(self, stay: Stay) -> None:
        if stay.shown:
            self._ended.append(stay)
            if self.display:
                self.display.ended(stay)

    def told(self, result: RunResult) -> dict[str, Any]:
        """The result for programs, with what came of each step."""
        return {**result.to_json(), "steps": [stay.to_json() for stay in self._ended]}

    def events(self) -> Iterator[dict[str, Any]]:
        """The events; failures that are none say what they are."""
        for event in self._events:
            told = {"event": type(event).__name__, **asdict(event)}
            if id(event) in self._stays.expected:
                told["expected"] = self._stays.expected[id(event)]
            yield told


def _report(bundle: Bundle, watched: _Watched, result: RunResult, *, title: str, source: str, given: Any) -> str:
    from stepworkflows_cdk.pictures.model import read_main
    from stepworkflows_cdk.pictures.page import run_page
    from stepworkflows_cdk.pictures.steps import steps_only

    graph = steps_only(read_main(bundle))
    events, told = list(watched.events()), watched.told(result)
    return run_page(graph, events, told, title=title, source=source, given=given, notes=result.notes)


def _input(option: str | None, sample: Path, definition: Definition) -> tuple[Any, str]:
    """The input, and where it comes from."""
    if option == "-":
        return _parsed(sys.stdin.read(), "standard input"), "standard input"
    if option is not None:
        return _read(Path(option)), option
    samples = sorted(path for path in sample.glob("*.json") if path.name != _EVENTS)
    if len(samples) == 1:
        return _read(samples[0]), samples[0].as_posix()
    if len(samples) > 1:
        names = ", ".join(path.name for path in samples)
        raise ConfigurationError(f"{sample.as_posix()} has several samples ({names}); name one with --input")
    workflow = definition.workflows[0]
    if workflow.open and not inferred_inputs(workflow):
        return {}, "an empty input"
    raise ConfigurationError(
        f"the flow reads its input and has no sample ({sample.as_posix()}/*.json); give one with --input"
    )


def _events(option: str | None, sample: Path) -> tuple[list[Any], list[str]]:
    """The entries, and where each is written."""
    if option is None and not (sample / _EVENTS).exists():
        return [], []
    path = Path(option) if option is not None else sample / _EVENTS
    events = _read(path)
    if not isinstance(events, list):
        raise ConfigurationError(f"{path.as_posix()}: the events are a JSON list")
    return events, list(_lines(path, len(events)))


def _lines(path: Path, count: int) -> Iterator[str]:
    """``events.json:3`` for each of so many entries."""
    try:
        _, marks, _ = read_json(path.read_text(encoding="utf-8-sig"), path.as_posix(), _DEPTH)
    except SyntaxProblem as error:
        raise ConfigurationError(f"{error.problem.mark}: {error.problem.message}") from None
    for number in range(count):
        yield f"{path.as_posix()}:{marks[number,].line}"


def _read(path: Path) -> Any:
    try:
        return _parsed(path.read_text(encoding="utf-8-sig"), path.as_posix())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path.as_posix()}: {(error.strerror or 'no access').lower()}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path.as_posix()} is not UTF-8") from None


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{source}:{error.lineno}:{error.colno} is no JSON: {error.msg.lower()}") from None


def _refuse(constant: str) -> None:
    raise ConfigurationError(f"{constant} is no JSON")
