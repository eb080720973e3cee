"""``stepworkflows run``: the flow on this machine, with the real code of its steps."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepworkflows_cdk.cli.options import add_config, add_flow, add_json, config_of, library_of
from stepworkflows_cdk.cli.output import write
from stepworkflows_cdk.compiler.bundle import Bundle, Machine
from stepworkflows_cdk.compiler.plan import machine_key
from stepworkflows_cdk.definition import Definition, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.language.ids import guarded_id
from stepworkflows_cdk.language.usage import inferred_inputs

if TYPE_CHECKING:
    from stepworkflows_cdk.local import Event, RunResult
    from stepworkflows_cdk.pictures.model import Graph

__all__ = ["add"]

_EVENTS = "events.json"


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
    from stepworkflows_cdk.local import run

    definition = Definition.load(*given.flow, library=library_of(given))
    bundle = compile_workflow(definition, config=config_of(given, definition))
    sample = Path(given.flow[0]).parent / "sample"
    input_, source = _input(given.input, sample, definition)
    outside = _events(given.events, sample)
    flow = definition.workflows[0].name
    display = None if given.json else _display(definition, source, bundle)
    events: list[Mapping[str, Any]] = []

    def listen(event: Event) -> None:
        events.append({"event": type(event).__name__, **asdict(event)})
        if display:
            display.show(event)

    result = run(
        bundle,
        input_,
        integrations=definition.integrations,
        outside=outside,
        seed=given.seed,
        real_time=given.real_time,
        listener=listen,
    )
    if display:
        display.end(result)
    else:
        print(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
    if given.report is not None:
        write(Path(given.report), _report(bundle, events, result, title=flow, source=source, given=input_))
    return 0 if result.status == "SUCCEEDED" else 1


def _display(definition: Definition, source: str, bundle: Bundle) -> Any:
    from stepworkflows_cdk.cli.display import Display
    from stepworkflows_cdk.pictures.model import walk
    from stepworkflows_cdk.pictures.steps import auxiliary_states

    marks: dict[str, Mark] = {}
    hidden: set[str] = set()
    calls: set[str] = set()
    fails: set[str] = set()
    flows = {machine_key(id_): flow for flow in definition.workflows for id_ in (flow.id, guarded_id(flow.id))}
    for prefix, machine, graph in _machines(bundle):
        own = auxiliary_states(graph)
        marks |= {prefix + name: mark for name, mark in machine.states.items()}
        hidden |= {prefix + name for name in own}
        tasks = [node for _, node in walk(graph) if node.name in own and node.kind == "Task"]
        calls |= {prefix + node.name for node in tasks if not node.beside}
        fails |= {prefix + step.name for step in flows[machine.key].forward if step.keys.fail}
    return Display(definition.workflows[0].name, source, marks, hidden=hidden, calls=calls, fails=fails)


def _machines(bundle: Bundle) -> Iterator[tuple[str, Machine, Graph]]:
    """The machines that take part in a run, each with the prefix of its states: the first, and those that its states
    start, as often as they do.
    """
    from stepworkflows_cdk.pictures.model import read_machine, walk

    by_key = {machine.key: machine for machine in bundle.machines}
    ahead = [("", bundle.main)]
    while ahead:
        prefix, machine = ahead.pop(0)
        graph = read_machine(machine)
        yield prefix, machine, graph
        ahead += [(f"{prefix}{node.name}/", by_key[node.starts]) for _, node in walk(graph) if node.starts in by_key]


def _report(
    bundle: Bundle, events: Sequence[Mapping[str, Any]], result: RunResult, *, title: str, source: str, given: Any
) -> str:
    from stepworkflows_cdk.pictures.model import read_machine
    from stepworkflows_cdk.pictures.page import run_page
    from stepworkflows_cdk.pictures.steps import steps_only

    graph = steps_only(read_machine(bundle.main))
    return run_page(graph, events, result.to_json(), title=title, source=source, given=given, notes=result.notes)


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


def _events(option: str | None, sample: Path) -> list[Any]:
    if option is None and not (sample / _EVENTS).exists():
        return []
    path = Path(option) if option is not None else sample / _EVENTS
    events = _read(path)
    if not isinstance(events, list):
        raise ConfigurationError(f"{path.as_posix()}: the events are a JSON list")
    return events


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
