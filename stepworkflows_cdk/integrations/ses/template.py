"""Mail templates: files beside the document, with references to the inputs of the step.

``mail/NAME.txt`` begins with a line ``Subject: ...``, then an empty line, then the text. ``mail/NAME.html`` is optional;
what references put into it is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepworkflows_cdk.compiler.jsonata import literal, path, text_of
from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.language.references import (
    Expression,
    Reference,
    Template,
    WrongValue,
    parse_value,
    references_in,
)

__all__ = ["Mail", "MailTemplate", "WrongTemplate", "filled", "read_mail"]

_SUBJECT = "Subject:"
_ESCAPED = (
    "$h := function($v) { $replace($replace($replace($replace($string($v), '&', '&amp;'), '<', '&lt;'),"
    " '>', '&gt;'), '\"', '&quot;') }"
)


class WrongTemplate(ValueError):
    """A template that cannot be used."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Mail:
    """A mail as data of the plan."""

    subject: Data
    text: Data
    html: Data


@dataclass(frozen=True)
class MailTemplate:
    """A template as it is written."""

    subject: str
    text: str
    html: str | None

    def roots(self) -> tuple[str, ...]:
        """The names that it needs, in the order of the text."""
        found: dict[str, None] = {}
        for part in (self.subject, self.text, self.html or ""):
            found.update(dict.fromkeys(reference.root for reference in references_in(parse_value(part))))
        return tuple(found)

    def filled(self, inputs: Mapping[str, Any], expression: Callable[[Any], Jsonata]) -> Mail:
        """The mail, its references replaced by what the step is given. ``expression`` compiles a value of the document."""

        def named(reference: Reference) -> str:
            return path(text_of(expression(inputs[reference.root]).code), reference.parts[1:])

        html = None if self.html is None else _joined(self.html, named, html=True)
        return Mail(_joined(self.subject, named, html=False), _joined(self.text, named, html=False), html)


def read_mail(folder: Path, name: str) -> MailTemplate:
    """The template of that name. Raises :class:`WrongTemplate`."""
    source = folder / "mail" / f"{name}.txt"
    page = folder / "mail" / f"{name}.html"
    written = _read(source, f"mail/{name}.txt")
    first, _, rest = written.partition("\n")
    if not first.startswith(_SUBJECT):
        raise WrongTemplate(f"`mail/{name}.txt` does not begin with a subject", "begin with the line `Subject: ...`")
    html = _read(page, f"mail/{name}.html") if page.exists() else None
    template = MailTemplate(first.removeprefix(_SUBJECT).strip(), rest.removeprefix("\n"), html)
    for part in (template.subject, template.text, template.html or ""):
        try:
            value = parse_value(part)
        except WrongValue as error:
            raise WrongTemplate(f"in `mail/{name}`: {error}", error.hint) from None
        if isinstance(value, Expression):
            raise WrongTemplate(f"`mail/{name}` is an expression", "write text and references")
    return template


def filled(text: str, expression: Callable[[Any], Jsonata], *, html: bool) -> Data:
    """A text of the document with its references, escaped for HTML."""
    return _joined(text, lambda reference: expression(reference.text).code, html=html)


def _joined(text: str, named: Callable[[Reference], str], *, html: bool) -> Data:
    value = parse_value(text)
    if isinstance(value, str):
        return value
    assert isinstance(value, Template)
    pieces = [literal(part) if isinstance(part, str) else _piece(named(part), html=html) for part in value.parts]
    joined = " & ".join(['""', *pieces] if not isinstance(value.parts[0], str) else pieces)
    return Jsonata(f"({_ESCAPED}; {joined})" if html else joined, "string")


def _piece(code: str, *, html: bool) -> str:
    return f"$h({code})" if html else text_of(code)


def _read(path_: Path, name: str) -> str:
    try:
        return path_.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongTemplate(
            f"cannot read `{name}`: {(error.strerror or 'no access').lower()}", "check the name"
        ) from None
    except UnicodeDecodeError:
        raise WrongTemplate(f"`{name}` is not UTF-8", "save it as UTF-8") from None
