"""Tests that a flow brings along: each is run here, and what came of it compared with what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.definition import Definition, compile_workflow
from stepworkflows_cdk.errors import ConfigurationError
from stepworkflows_cdk.language.cases import CaseKeys
from stepworkflows_cdk.language.diagnostics import Mark
from stepworkflows_cdk.local.events import Event
from stepworkflows_cdk.local.run import RunResult, run

__all__ = ["Outcome", "differences", "run_cases"]

_FOUND = {"mails": "outbox", "events": "emitted", "messages": "messages", "tables": "tables", "files": "files"}
"""What a test expects -> what a run calls it."""


@dataclass(frozen=True)
class Outcome:
    """How one test went: no ``faults`` where it did well. ``mark`` is where it is written."""

    name: str
    mark: Mark
    faults: tuple[str, ...]
    result: RunResult | None
    """None where the test itself is wrong."""


class Heard(Protocol):
    """Hears of a run, and then says what a cause of it tells a person."""

    def hear(self, event: Event) -> None: ...
    def said(self, cause: str) -> str: ...


def run_cases(definition: Definition, listen: Callable[[Bundle], Heard], only: str | None = None) -> Iterator[Outcome]:
    """Runs the tests of the first flow, in their order, or that one of a name. A test that is wrong keeps no other from
    running. ``listen`` makes the listener of the run of a bundle.
    """
    for name, case in (definition.workflows[0].keys.tests or {}).items():
        if only is None or name == only:
            yield _outcome(definition, listen, name, case)


def _outcome(definition: Definition, listen: Callable[[Bundle], Heard], name: str, case: CaseKeys) -> Outcome:
    mark = definition.workflows[0].document.key_mark(("tests", name))
    if wrong := tuple(_wrong(definition, name, mark)):
        return Outcome(name, mark, wrong, None)
    try:
        bundle = compile_workflow(definition, config=case.config)
        heard = listen(bundle)
        result = _run(definition, bundle, heard, name, case)
    except ConfigurationError as error:
        return Outcome(name, mark, (str(error),), None)
    return Outcome(name, mark, tuple(_faults(case, result, heard.said)), result)


def _wrong(definition: Definition, name: str, mark: Mark) -> Iterator[str]:
    report = definition.report
    for problem in report.errors:
        if (problem.test, problem.mark.file) == (name, mark.file):
            at = f"{report.file(problem.mark)}:{problem.mark.line}:{problem.mark.column}"
            yield f"{at} {problem.message}{problem.hint and f'; {problem.hint}'}"


def _run(definition: Definition, bundle: Bundle, heard: Heard, name: str, case: CaseKeys) -> RunResult:
    document = definition.workflows[0].document
    marks = [document.mark(("tests", name, "events", index)) for index in range(len(case.events))]
    origins = [f"{definition.report.file(mark)}:{mark.line}" for mark in marks]
    return run(
        bundle,
        case.input,
        integrations=definition.integrations,
        outside=case.events,
        origins=origins,
        listener=heard.hear,
    )


def _faults(case: CaseKeys, result: RunResult, said: Callable[[str], str]) -> Iterator[str]:
    expect, got = case.expect, result.to_json()
    status = expect.status or ("FAILED" if expect.error is not None else "SUCCEEDED")
    if got["status"] != status:
        why = f" ({got['error']}{said(got['cause'] or '')})" if got["error"] else ""
        yield f"status: expected {status}, got {got['status']}{why}"
        return
    if expect.error is not None and got["error"] != expect.error:
        yield f"error: expected {expect.error}, got {got['error']}{said(got['cause'] or '')}"
    if "output" in expect.model_fields_set:
        yield from differences(expect.output, got["output"], "output")
    if expect.lasts is not None and round(got["simulated_seconds"]) != expect.lasts:
        yield f"lasts: expected {expect.lasts:,} seconds, got {got['simulated_seconds']:,g}"
    for key, found in _FOUND.items():
        if (wanted := getattr(expect, key)) is not None:
            yield from differences(wanted, got[found], key)


def differences(expected: Any, got: Any, place: str) -> Iterator[str]:
    """What of a value is not as expected; ``place`` is what it is called."""
    match expected, got:
        case dict(), Mapping():
            for key, value in expected.items():
                if key not in got:
                    yield f"{place}.{key}: expected {_short(value)}, and it is not there"
                else:
                    yield from differences(value, got[key], f"{place}.{key}")
        case list(), list() if len(expected) == len(got):
            for index, (wanted, found) in enumerate(zip(expected, got, strict=True)):
                yield from differences(wanted, found, f"{place}[{index}]")
        case list(), list():
            yield f"{place}: expected {len(expected)} of them, got {len(got)}: {_short(got)}"
        case _:
            if expected != got or isinstance(expected, bool) != isinstance(got, bool):
                yield f"{place}: expected {_short(expected)}, got {_short(got)}"


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
