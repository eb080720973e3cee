"""JSONata as far as the language must know it: its tokens, its functions, and whether a text is an expression at all.

The tokenizer knows strings, quoted names, regexes and comments (https://docs.jsonata.org/overview), and so finds the
references ``{user.email}`` where an operand may stand, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["FUNCTIONS", "Token", "bare_names", "bound_variables", "free_variables", "syntax_fault", "tokens"]

Kind = Literal["string", "name", "quoted", "variable", "number", "regex", "reference", "operator"]


@dataclass(frozen=True)
class Token:
    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_JSONATA = """
    abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl decodeUrlComponent
    distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger formatNumber
    fromMillis join keys length lookup lowercase map match max merge millis min not now number pad parseInteger power
    random reduce replace reverse round shuffle sift single sort split spread sqrt string substring substringAfter
    substringBefore sum toMillis trim type uppercase zip
"""
_STEP_FUNCTIONS = "partition range hash uuid parse"
FUNCTIONS = frozenset((_JSONATA + _STEP_FUNCTIONS).split())
"""What may be called: JSONata's functions without ``$eval``, and those that Step Functions adds
(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html)."""

_REFERENCE = re.compile(r"""\{[^\W\d](?:[\w.\-]|\[\d+\]|\['[^'`]+'\]|\["[^"`]+"\])*\}""")
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("variable", re.compile(r"\$\$|\$[\w]*")),
    ("number", re.compile(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")),
    ("name", re.compile(r"[^\W\d]\w*")),
)
_OPERATORS = re.compile(r":=|!=|<=|>=|~>|\*\*|\.\.|\?\?|\?:|.", re.DOTALL)
_WORD_OPERATORS = frozenset({"and", "or", "in"})
_WORDS = frozenset({"true", "false", "null", "function", "λ"})
_FLAGS = re.compile("[im]*")


def tokens(code: str) -> Iterator[Token]:
    """The tokens of ``code``, white space and comments left out. Raises ``SyntaxError`` (``offset`` from 0) where one
    does not end.
    """
    at = 0
    operand = True
    while at < len(code):
        char = code[at]
        if char.isspace():
            at += 1
            continue
        if code.startswith("/*", at):
            at = _end(code, at, "*/", "comment")
            continue
        token = _token(code, at, operand)
        yield token
        at = token.end
        if token.kind == "operator":
            operand = token.text not in (")", "]", "}") and not (operand and token.text in ("*", "**", "%"))
        else:
            operand = token.kind == "name" and not operand and token.text in _WORD_OPERATORS


def bare_names(code: str) -> dict[str, int]:
    """The names that stand alone in an expression, and `$`, each with its first place. They are fields of what the
    expression is applied to, which is nothing but where a path, a predicate or an object gives them something.
    """
    found: dict[str, int] = {}
    around: list[bool] = []
    given, before = False, ""
    for token in tokens(code):
        behind_value = (
            bool(before) and (before[-1].isalnum() or before[-1] in "_$)]}\"'`") and before not in _WORD_OPERATORS
        )
        if token.kind == "operator" and token.text in ("(", "[", "{"):
            around.append(given)
            given = given or token.text == "{" or before in (".", "^") or (token.text == "[" and behind_value)
        elif token.kind == "operator" and token.text in (")", "]", "}"):
            given = around.pop() if around else False
        elif token.kind == "variable" and token.text in ("$", "$$") and not given and before != "~>":
            found.setdefault(token.text, token.start)
        elif token.kind == "name" and not (given or before == "." or token.text in _WORDS):
            is_operator = behind_value and token.text in _WORD_OPERATORS
            found |= {} if is_operator else {token.text: found.get(token.text, token.start)}
        before = token.text
    return found


def free_variables(code: str) -> dict[str, int]:
    """The variables that an expression reads and does not set itself, without ``$``, each with its first place."""
    return _variables(code)[0]


def bound_variables(code: str) -> dict[str, int]:
    """The variables that an expression sets itself, without ``$``, each with its first place."""
    return _variables(code)[1]


def _variables(code: str) -> tuple[dict[str, int], dict[str, int]]:
    found = list(tokens(code))
    bound: dict[str, int] = {}
    used: dict[str, int] = {}
    for index, token in enumerate(found):
        if token.kind != "variable" or token.text in ("$", "$$"):
            continue
        following = found[index + 1].text if index + 1 < len(found) else ""
        before = found[index - 1].text if index else ""
        if following == ":=" or before in ("@", "#") or _is_parameter(found, index):
            bound.setdefault(token.text[1:], token.start)
        else:
            used.setdefault(token.text[1:], token.start)
    return {name: at for name, at in used.items() if name not in bound}, bound


def syntax_fault(code: str) -> tuple[str, int] | None:
    """Why ``code`` is no JSONata expression, and where (from 0); None where it is one."""
    from jsonata import JException, Jsonata

    if not code.strip():
        return "the expression is empty", 0
    try:
        Jsonata(code)
    except JException as error:
        return str(error).removeprefix("JException: ").strip().rstrip(".") or "wrong syntax", max(
            0, int(error.location or 0) - 1
        )
    except RecursionError:
        return "the expression is nested too deeply", 0
    except Exception:
        # The parser lets an IndexError or the like through for some broken texts: they are no expressions either.
        return "wrong syntax", 0
    return None


def _token(code: str, at: int, operand: bool) -> Token:
    char = code[at]
    if char in "'\"":
        return Token("string", code[at : _end_of_string(code, at)], at)
    if char == "`":
        return Token("quoted", code[at : _end(code, at, "`", "quoted name")], at)
    if char == "/" and operand:
        return Token("regex", code[at : _end_of_regex(code, at)], at)
    if char == "{" and operand and (found := _REFERENCE.match(code, at)):
        return Token("reference", found.group(), at)
    for kind, pattern in _PATTERNS:
        if found := pattern.match(code, at):
            return Token(kind, found.group(), at)
    found = _OPERATORS.match(code, at)
    return Token("operator", found.group() if found else char, at)


def _is_parameter(found: list[Token], index: int) -> bool:
    """Whether the variable stands between the brackets of ``function(...)``."""
    while index and (found[index - 1].kind == "variable" or found[index - 1].text == ","):
        index -= 1
    return index >= 2 and found[index - 1].text == "(" and found[index - 2].text in ("function", "λ")


def _end(code: str, at: int, closing: str, what: str) -> int:
    end = code.find(closing, at + len(closing))
    if end < 0:
        raise _open(what, at)
    return end + len(closing)


def _end_of_string(code: str, at: int) -> int:
    quote = code[at]
    end = at + 1
    while end < len(code):
        if code[end] == "\\":
            end += 2
            continue
        if code[end] == quote:
            return end + 1
        end += 1
    raise _open("string", at)


def _end_of_regex(code: str, at: int) -> int:
    end = at + 1
    while end < len(code):
        if code[end] == "\\":
            end += 2
            continue
        if code[end] == "/":
            flags = _FLAGS.match(code, end + 1)
            return flags.end() if flags else end + 1
        end += 1
    raise _open("regex", at)


def _open(what: str, at: int) -> SyntaxError:
    error = SyntaxError(f"a {what} begins here and does not end")
    error.offset = at
    return error
