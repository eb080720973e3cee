"""Documents written in Python: ``Workflow`` and ``Step`` hold what a file would, and are taken wherever a path is.

They know no keys of their own: what is right is told by the models and the integrations, when they are read, as for any
document. Faults are shown in their text as YAML.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from stepworkflows_cdk.errors import ConfigurationError, DocumentError
from stepworkflows_cdk.language.diagnostics import Report
from stepworkflows_cdk.language.document import Document, SyntaxProblem
from stepworkflows_cdk.language.keys import alias
from stepworkflows_cdk.language.order import in_order
from stepworkflows_cdk.language.source import document_of, read_document
from stepworkflows_cdk.language.yaml_text import yaml_text

__all__ = ["PYTHON", "Step", "Workflow", "document_from"]

PYTHON = "<python>"
"""What marks call the file of a document that is an object."""
_ENDINGS = (".yaml", ".yml", ".json")
_NOWHERE = Path(PYTHON)
"""The folder of a document that has none: no relative path leads anywhere."""

AnyStep = TypeVar("AnyStep", bound="Step")


class Step(Mapping[str, Any]):
    """A step, as a mapping of its keys.

    ``Step("pay", runs_on="lambda", zip_file="pay", on_error="continue", if_="{total} > 0")``: keyword arguments are the keys
    of a step, work keys among them, with ``_`` for ``-`` and at the end of Python's own words. The mappings in them are
    written as in a document. ``folder`` is what relative paths start from, where the step is a document of its own; without
    one they are absolute.
    """

    _flow = False

    def __init__(
        self,
        id: str | None = None,
        *,
        name: str | None = None,
        inputs: Mapping[str, Any] | str | None = None,
        outputs: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
        **keys: Any,
    ) -> None:
        given = {"id": id, "name": name, "inputs": inputs, "outputs": outputs}
        written = {key: value for key, value in given.items() if value is not None}
        written |= {alias(key): value for key, value in keys.items()}
        self._keys = {key: _plain(written[key], key) for key in in_order(written, flow=self._flow)}
        self.folder = Path(folder) if folder is not None else None

    @classmethod
    def from_yaml(cls: type[AnyStep], source: str | os.PathLike[str]) -> AnyStep:
        """The document of a file in YAML or JSON, or of a text in YAML; a line that ends in ``.yaml``, ``.yml`` or ``.json``
        is a path. Comments are not kept. Raises :class:`~stepworkflows_cdk.errors.DocumentError` where the syntax is wrong.
        """
        is_path = not isinstance(source, str) or ("\n" not in source and source.endswith(_ENDINGS))
        file = Path(source).as_posix() if is_path else PYTHON
        try:
            document = read_document(Path(source), file) if is_path else document_of(str(source), _NOWHERE, file)
        except SyntaxProblem as error:
            raise DocumentError(Report((error.problem,), {file: error.text})) from None
        made = cls.__new__(cls)
        made._keys = document.value
        made.folder = Path(source).parent if is_path else None
        return made

    def to_yaml(self) -> str:
        """Its text, which says the same."""
        return yaml_text(self._keys)

    def __getitem__(self, key: str) -> Any:
        return self._keys[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.from_yaml({self.to_yaml()!r})"


class Workflow(Step):
    """A flow, as a mapping of its keys.

    ``Workflow("greet", steps=[Step(...)], folder=Path(__file__).parent)``: as :class:`Step`, with the keys of a flow.
    """

    _flow = True

    def __init__(
        self,
        name: str | None = None,
        *,
        id: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        steps: Sequence[Step | Mapping[str, Any]] | None = None,
        folder: str | os.PathLike[str] | None = None,
        **keys: Any,
    ) -> None:
        own = {"type": "RunnableStep", **({} if steps is None else {"steps": steps})}
        super().__init__(id, name=name, inputs=inputs, outputs=outputs, folder=folder, **{**own, **keys})


def document_from(step: Step, file: str) -> Document:
    """What a file with the same text would be."""
    return document_of(step.to_yaml(), step.folder if step.folder is not None else _NOWHERE, file)


def _plain(value: Any, place: str) -> Any:
    """A value as a document has it."""
    match value:
        case Step(folder=Path()):
            hint = "name its file with `uses`, or leave `folder` away"
            raise ConfigurationError(f"`{place}`: a step inside another has no folder of its own; {hint}")
        case Mapping():
            return {_key(key, place): _plain(item, f"{place}.{key}") for key, item in value.items()}
        case None | str() | bool() | int() | float():
            return value
        case Sequence() if not isinstance(value, (bytes, bytearray)):
            return [_plain(item, f"{place}[{index}]") for index, item in enumerate(value)]
        case os.PathLike():
            return os.fspath(value)
    raise ConfigurationError(f"`{place}` is a {type(value).__name__}, which no document can hold")


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise ConfigurationError(f"`{place}`: the key {key!r} is no text")
    return key
