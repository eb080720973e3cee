"""The entrance: files become a definition, or a report of all that is wrong with them; a definition becomes a bundle."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from stepworkflows_cdk.compiler.bundle import Bundle
from stepworkflows_cdk.compiler.compile import compile_workflows
from stepworkflows_cdk.compiler.integration import Integration
from stepworkflows_cdk.errors import DocumentError
from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.checks import check, check_together
from stepworkflows_cdk.language.diagnostics import Lent, Mark, Problem, Report
from stepworkflows_cdk.language.document import Document, SyntaxProblem
from stepworkflows_cdk.language.flows import is_flow, read_workflows
from stepworkflows_cdk.language.ids import id_of
from stepworkflows_cdk.language.overrides import OVERRIDES, Overrides
from stepworkflows_cdk.language.source import read_document
from stepworkflows_cdk.language.workflow import Workflow
from stepworkflows_cdk.objects import PYTHON, Step, document_from

__all__ = ["Definition", "compile_workflow", "validate"]

Library: TypeAlias = Mapping[str, str | os.PathLike[str]]
Source: TypeAlias = str | os.PathLike[str] | Step
"""A document: the path of a file, or an object."""


_FOLLOW_UPS = {
    "step": ("SW202", "SW203", "SW205", "SW206", "SW207", "SW214", "SW260"),
    "needs": ("SW204", "SW205", "SW207", "SW224"),
    "resource": ("SW203", "SW216", "SW606"),
}
"""Where a step, a resource or an order of steps could not be read: codes of problems with what depends on it."""


@dataclass(frozen=True)
class Definition:
    """One or several flows, read and found right. Make one with :meth:`load`."""

    workflows: tuple[Workflow, ...]
    integrations: tuple[Integration, ...]
    report: Report
    """Warnings only: with an error there is no definition, unless it is one of a test, and these may be wrong."""

    @classmethod
    def load(
        cls,
        *documents: Source,
        integrations: Sequence[Integration] = BUILTIN,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        library: Library | None = None,
        wrong_tests: bool = False,
    ) -> Definition:
        """Reads the files, or the objects instead of files, in this order, as one definition.

        ``integrations`` are the things that steps can run on or talk to; default: all that this package has.
        ``overrides`` changes steps of the documents, by their ids: a JSON merge patch (RFC 7396) of a step's keys, with
        absolute paths. ``library`` are documents that ``uses`` can name from anywhere: name -> path. With ``wrong_tests``,
        what is wrong with single tests of a flow stays in the report. Raises
        :class:`~stepworkflows_cdk.errors.DocumentError` with every problem found, and
        :class:`~stepworkflows_cdk.errors.ConfigurationError` for an override of a step that is not there.
        """
        chosen = tuple(integrations)
        workflows, report = _read(documents, chosen, Overrides(overrides or {}), library or {})
        if any(not (problem.test and wrong_tests) for problem in report.errors):
            raise DocumentError(report)
        return cls(workflows, chosen, report)

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Raises :class:`~stepworkflows_cdk.errors.DocumentError` with the problems, if there are any."""
        if found := tuple(problems):
            raise DocumentError(Report(found, self.report.sources, self.report.folder).sorted())


def validate(
    *documents: Source, integrations: Sequence[Integration] = BUILTIN, library: Library | None = None
) -> Report:
    """All problems of the documents as one definition; an empty report where there are none. The arguments are those of
    :meth:`Definition.load`.
    """
    return _read(documents, tuple(integrations), Overrides({}), library or {})[1]


def compile_workflow(definition: Definition, *, config: Mapping[str, Any] | None = None) -> Bundle:
    """What the definition becomes: each machine's ASL text, with what the texts need and may do.

    ``config`` gives values for the names under ``config`` in the documents.
    Raises :class:`~stepworkflows_cdk.errors.ConfigurationError` where a value is missing, unknown or not allowed.
    """
    return compile_workflows(definition.workflows, definition.integrations, config or {})


def _read(
    documents_: Sequence[Source], integrations: Sequence[Integration], overrides: Overrides, library: Library
) -> tuple[tuple[Workflow, ...], Report]:
    problems: list[Problem] = []
    given = [source if isinstance(source, Step) else Path(source) for source in documents_]
    root = _folder(given[0]) if given else Path()
    if not given:
        problems.append(Problem("SW001", "no file is given", Mark("", 0, 0), "name a file"))
    sources: dict[str, str] = {}

    def load(source: Path | Step, number: int = 0, flow: str = "") -> Document | None:
        """The document; ``flow`` is whose step it is, where it is no flow itself."""
        if isinstance(source, Step):
            file = PYTHON if number == 0 else f"{PYTHON[:-1]}-{number + 1}>"
        else:
            file = Path(os.path.relpath(source, root)).as_posix()
        try:
            read = document_from(source, file) if isinstance(source, Step) else read_document(source, file)
            document = overrides.laid_over(read, (is_flow(read) and id_of(read.value)) or flow)
        except SyntaxProblem as error:
            problems.append(error.problem)
            sources[file] = error.text
            return None
        sources[file] = document.text
        return document

    documents: list[Document] = []
    for number, source in enumerate(given):
        flow = next((id_of(document.value) or "" for document in reversed(documents) if is_flow(document)), "")
        if document := load(source, number, flow):
            documents.append(document)
    complete = len(documents) == len(given)
    workflows: tuple[Workflow, ...] = ()
    lost: frozenset[str] = frozenset()
    lent: tuple[Lent, ...] = ()
    if complete:
        named = {name: Path(path) for name, path in library.items()}
        workflows, lost, lent = read_workflows(documents, integrations, problems, load, named)
    if complete:
        overrides.check()
        sources[OVERRIDES] = overrides.text
    # What names something that could not be read is no second mistake.
    follow_ups = {code for kind in lost for code in _FOLLOW_UPS[kind]}
    for workflow in workflows:
        problems.extend(problem for problem in check(workflow) if problem.code not in follow_ups)
    problems.extend(check_together(workflows))
    folder = "" if str(root) == "." else f"{root.as_posix().rstrip('/')}/"
    return workflows, Report(tuple(problems), sources, folder, lent).sorted()


def _folder(source: Path | Step) -> Path:
    """What paths are relative to that are said of it."""
    return (source.folder or Path()) if isinstance(source, Step) else source.parent
