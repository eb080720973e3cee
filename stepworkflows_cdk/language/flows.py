"""Documents become workflows: which file is a flow, which a step of it, and which other flows their steps use.

A flow that several steps use, or that is also named itself, is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from stepworkflows_cdk.language.defaults import Layer
from stepworkflows_cdk.language.diagnostics import Lent, Mark, Problem
from stepworkflows_cdk.language.document import Document, Path_
from stepworkflows_cdk.language.inlining import OWN_KEYS, inlined
from stepworkflows_cdk.language.reader import Reader
from stepworkflows_cdk.language.references import given_flow
from stepworkflows_cdk.language.shape import nearest
from stepworkflows_cdk.language.work_key import WorkKey
from stepworkflows_cdk.language.workflow import Workflow

__all__ = ["is_flow", "read_workflows"]

Load = Callable[[Path], Document | None]


def read_workflows(
    documents: Sequence[Document],
    integrations: Sequence[WorkKey],
    problems: list[Problem],
    load: Load,
    library: Mapping[str, Path],
) -> tuple[tuple[Workflow, ...], frozenset[str], tuple[Lent, ...]]:
    """The flows of the documents, in order, then those that their steps use; and what could not be read: ``step``,
    ``resource``; and what steps of libraries they use.

    ``load`` reads one more document; None where it cannot. ``library`` are documents that can be used by a name, wherever
    they are. What does not fit is added to ``problems``.
    """
    groups = _groups(documents, problems)
    shelf = _Shelf({_file(group[0]): group for group in groups}, integrations, problems, load, library)
    for group in groups:
        shelf.read(_file(group[0]))
    shelf.check()
    seen: dict[str, Workflow] = {}
    named = [_file(group[0]) for group in groups]
    for file in dict.fromkeys([*named, *shelf.flows]):
        flow = shelf.flows[file]
        if flow and flow.id in seen:
            problems.append(
                Problem("SW201", f"two flows have the id `{flow.id}`", flow.mark, "give one of them another `id`")
            )
        elif flow:
            seen[flow.id] = replace(flow, used=file in shelf.used)
    return tuple(seen.values()), frozenset(shelf.lost), tuple(shelf.lent)


def _groups(documents: Sequence[Document], problems: list[Problem]) -> list[list[Document]]:
    """Each flow's document, and those of its steps behind it."""
    groups: list[list[Document]] = []
    for document in documents:
        kind = document.get(("type",))
        if is_flow(document) or (kind is None and not groups):
            groups.append([document])
        elif kind not in ("ActorStep", None):
            first = "RunnableStep" if not groups else "ActorStep"
            hint = nearest(str(kind), ("RunnableStep", "ActorStep")) or f"write `type: {first}`"
            message = "`type` must be `RunnableStep` or `ActorStep`"
            problems.append(Problem("SW103", message, document.mark(("type",)), hint))
        elif not groups:
            hint = "put a document with `type: RunnableStep` first"
            message = "the first document must be a flow, and this is a step"
            problems.append(Problem("SW110", message, document.mark(("type",)), hint))
        else:
            groups[-1].append(document)
    return groups


def is_flow(document: Document) -> bool:
    """Whether the document says of itself that it is a flow."""
    kind = document.get(("type",))
    return kind == "RunnableStep" or (kind is None and "steps" in document.value)


def _file(document: Document) -> Path:
    return (document.folder / PurePosixPath(document.file).name).resolve()


class _Shelf:
    """The flows by their files, in the order in which they were first asked for; None where one cannot be read."""

    def __init__(
        self,
        named: Mapping[Path, Sequence[Document]],
        integrations: Sequence[WorkKey],
        problems: list[Problem],
        load: Load,
        library: Mapping[str, Path],
    ) -> None:
        self.flows: dict[Path, Workflow | None] = {}
        self.lost: set[str] = set()
        self.used: set[Path] = set()
        self.lent: list[Lent] = []
        self._integrations = integrations
        self._problems = problems
        self._load = load
        self._library = library
        self._documents: dict[Path, Document | None] = {}
        self._layers: dict[Path, Layer] = {}
        self._partly: set[Path] = set()
        """The files of flows of which some keys could not be read."""
        self._open: list[Path] = []
        """The files that are being read, each used by the one before it."""
        self._groups = {file: self._laid(file, group) for file, group in named.items()}

    def read(self, file: Path) -> Workflow | None:
        """The flow of the group of documents in a file."""
        if file not in self.flows:
            group = self._groups[file]
            self._open.append(file)
            reader = Reader(group[0], self._integrations, self._problems, self.lost, self._used, self.step)
            flow = reader.flow(group[1:])
            self._open.pop()
            self.flows[file] = flow
            if not reader.whole:
                self._partly.add(file)
        return self.flows[file]

    def _laid(self, file: Path, group: Sequence[Document]) -> list[Document]:
        """The documents of a flow, or of a step of a library, with what it says once for its steps."""
        layer = self._layers.setdefault(file, Layer(group[0], self._integrations, self._problems))
        return [layer.under(document) for document in group]

    def check(self) -> None:
        """Adds what is wrong with what is said once, and what nobody takes, once all is read."""
        for layer in self._layers.values():
            layer.check()

    def _used(self, document: Document, place: Path_, written: str) -> Workflow | None:
        """The flow that a document names by a path; none where the caller gives it."""
        if given_flow(written):
            return None
        mark = document.mark(place)
        file = self._path(document, written)
        self.used.add(file)
        if file in self._open:
            names = [path.name for path in (*self._open[self._open.index(file) :], file)]
            message = f"a flow cannot use itself: {' uses '.join(names)}"
            self._problems.append(Problem("SW228", message, mark, "break the circle"))
            return None
        if file not in self._groups:
            found = self._document(file, document, written, mark)
            if found is None:
                return None
            self._groups[file] = [found]
        flow = self.read(file)
        return None if file in self._partly else flow  # of which too little is known to say what goes with it

    def step(self, document: Document, path: Path_, written: str) -> tuple[Document | None, bool]:
        """The document with the step of a library put in at ``path``, where ``written`` names one, and whether it does.

        ``library.yaml#id`` is a step of the flow in that file; a file that holds a step names that.
        """
        name, _, id_ = written.partition("#")
        file, mark = self._path(document, name), document.mark((*path, "uses"))
        if not id_ and not file.is_file():
            return None, False  # said where a flow is sought
        library = self._document(file, document, name, mark)
        if library is None:
            return None, True
        if not id_ and is_flow(library):
            return None, False
        place = _place(library, id_)
        if place is None:
            steps = library.get(("steps",)) if is_flow(library) else [library.value]
            known = [str(step.get("id")) for step in steps or () if isinstance(step, dict)]
            hint = nearest(id_, known) or f"there are {', '.join(f'`{known}`' for known in known) or 'none'}"
            self._problems.append(Problem("SW203", f"`{name}` has no step `{id_}`", mark, hint))
            return None, True
        lines = [at.line for there, at in library.marks.items() if there[: len(place)] == place]
        self.lent.append(Lent(library.file, min(lines), max(lines), mark))
        for key in document.get(path):
            if key not in OWN_KEYS:
                message = f"`{key}` does not go with a step of a library"
                hint = "write it in the library, or make two steps"
                self._problems.append(Problem("SW104", message, document.key_mark((*path, key)), hint))
                return None, True
        layer = self._layers[self._open[-1]]
        return layer.under_library(inlined(document, path, library, place), path), True

    def _path(self, document: Document, written: str) -> Path:
        """The file that is meant by a name of the library, or by a path from the document."""
        return (self._library.get(written) or document.folder / written).resolve()

    def _document(self, file: Path, document: Document, written: str, mark: Mark) -> Document | None:
        """A document that another names, read once."""
        if file not in self._documents:
            if not file.is_file():
                others = [path.relative_to(document.folder.resolve()).as_posix() for path in _beside(file, document)]
                hint = nearest(written, [*self._library, *others]) or "write its path from this document"
                self._problems.append(Problem("SW227", f"there is no file `{written}`", mark, hint))
                return None
            found = self._load(file)
            self._documents[file] = found and self._laid(file, [found])[0]
        return self._documents[file]


def _place(library: Document, id_: str) -> Path_ | None:
    """Where the step stands."""
    if not id_:
        return ()
    if not is_flow(library):
        return () if library.get(("id",)) == id_ else None
    steps = library.get(("steps",))
    found = (index for index, step in enumerate(steps or ()) if isinstance(step, dict) and step.get("id") == id_)
    return next((("steps", index) for index in found), None)


def _beside(file: Path, document: Document) -> list[Path]:
    """Documents that could be meant."""
    folder = document.folder.resolve()
    near = file.parent if file.parent.is_relative_to(folder) and file.parent.is_dir() else folder
    return sorted(path for path in near.iterdir() if path.suffix in (".yaml", ".yml", ".json"))
