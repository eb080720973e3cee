"""What people write in values and expressions as other languages have it, and how it is said here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from stepworkflows_cdk.language.expressions import FUNCTIONS, Token, tokens

__all__ = ["Slip", "function_meant", "name_meant", "reference_meant", "slip"]


@dataclass(frozen=True)
class Slip:
    """``at`` counts from the beginning of the expression, from 0."""

    message: str
    at: int
    hint: str


_OPERATORS = {
    "&&": "write `and`",
    "||": "write `or`",
    "===": "write `=`",
    "==": "write `=`",
    "!==": "write `!=`",
    "<>": "write `!=`",
    "=~": "write `$contains(TEXT, /.../)`",
    "**": "write `$power(a, b)`",
    "=>": "write `>=`",
    "=<": "write `<=`",
}
_WORDS = {
    "AND": "write `and`",
    "OR": "write `or`",
    "IN": "write `in`",
    "is": "write `= null`, or `$not($exists(...))` where there may be no value at all",
    "not": "write `$not(...)`",
    "NOT": "write `$not(...)`",
    "matches": "write `$contains(TEXT, /.../)`",
    "like": "write `$contains(TEXT, 'part')`, or with a pattern `/.../`",
    "between": "write `x >= a and x <= b`",
    "if": "a condition is the expression alone; a choice of two values is `CONDITION ? a : b`",
    "then": "a choice of two values is `CONDITION ? a : b`",
}
_INTRINSICS = {
    "Format": "write text: `'Hello ' & {name}`",
    "StringToJson": "write `$parse(...)`",
    "JsonToString": "write `$string(...)`",
    "Array": "write `[a, b]`",
    "ArrayPartition": "write `$partition(LIST, n)`",
    "ArrayContains": "write `x in LIST`",
    "ArrayRange": "write `$range(first, last, step)`",
    "ArrayGetItem": "write `LIST[n]`",
    "ArrayLength": "write `$count(LIST)`",
    "ArrayUnique": "write `$distinct(LIST)`",
    "Base64Encode": "write `$base64encode(...)`",
    "Base64Decode": "write `$base64decode(...)`",
    "Hash": "write `$hash(TEXT, 'SHA-256')`",
    "JsonMerge": "write `$merge([a, b])`",
    "MathRandom": "write `$floor($random() * n)`",
    "MathAdd": "write `a + b`",
    "StringSplit": "write `$split(TEXT, ',')`",
    "UUID": "write `$uuid()`",
}
"""What Step Functions calls, with JSONPath, by `States.NAME(...)`."""
_CONSTANTS = {
    "None": "null",
    "nil": "null",
    "NULL": "null",
    "Null": "null",
    "undefined": "null",
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
}
_FUNCTIONS = {
    "always": "what is done in any case stands under `finally` of the flow",
    "cancelled": "a flow that can be cancelled has `cancel`; what is then done stands under `on-failure`",
    "failure": "what is done where a step fails stands under its `catch`, or under `on-failure` of the flow",
    "success": "remove it: a step runs only where those before it went well",
    "not": "write `$not(...)`",
    "len": "write `$count(LIST)` or `$length(TEXT)`",
    "substr": "write `$substring(TEXT, START, LENGTH)`",
    "size": "write `$count(LIST)` or `$length(TEXT)`",
    "startsWith": "write `$substring(TEXT, 0, n) = 'start'`, or `$contains(TEXT, /^start/)`",
    "endsWith": "write `$contains(TEXT, /end$/)`",
    "toJSON": "write `$string(...)`",
    "fromJSON": "write `$parse(...)`",
    "json": "write `$parse(...)`",
    "str": "write `$string(...)`",
    "int": "write `$number(...)`",
    "float": "write `$number(...)`",
    "lower": "write `$lowercase(...)`",
    "upper": "write `$uppercase(...)`",
    "defined": "write `$exists(...)`",
    "format": 'write text and references: `"Hello {name}"`',
}
_REFERENCES = re.compile(
    r"\$\.(?P<path>[A-Za-z_][\w.\[\]]*)|\$\{(?P<shell>[A-Za-z_][\w.]*)\}|\$?\{\{\s*(?P<jinja>[A-Za-z_][\w.]*)\s*\}\}"
    r"|\{\s+(?P<wide>[A-Za-z_][\w.]*)\s*\}|\{(?P<open>[A-Za-z_][\w.]*)\s+\}"
)
"""How others write references: JSONPath, shells and SAM, Jinja and GitHub Actions, a slip."""
_CONTEXT = {
    "$$.Execution.Id": "{execution.id}",
    "$$.Execution.Name": "{execution.name}",
    "$$.Execution.StartTime": "{execution.started}",
    "$$.Map.Item.Index": "{index}",
    "$$.Map.Item.Value": "{item}",
}
_INTRINSIC = re.compile(r"States\.[A-Z]\w+\(.*\)", re.DOTALL)
_LONGEST = 10_000
"""Characters of an expression that is looked through for what other languages have."""
_JINJA = re.compile(r"\$?\{\{")
_WIDE = re.compile(r"\{\s*([^\W\d][\w.]*)\s*([^\w.\s}][^}]*)?\}")


def slip(code: str) -> Slip | None:
    """What is written as in another language; None where nothing is seen. For expressions that are wrong."""
    if len(code) > _LONGEST:
        return None
    if jinja := _JINJA.match(code):
        message = f"`{jinja.group()}` does not begin a reference"
        return Slip(message, 0, "write `{name}`; a condition is an expression anyway")
    read = list(tokens(code))
    for index, token in enumerate(read):
        before = read[index - 1] if index else None
        if found := _operator(code, token) or _word(read, index) or _braces(code, token, before):
            return found
    return None


def reference_meant(text: str) -> str:
    """What to write for a text that is a reference elsewhere; empty where it is none."""
    if text in _CONTEXT:
        return f"write `{_CONTEXT[text]}`, if a reference is meant"
    if _INTRINSIC.fullmatch(text):
        return "write an expression: `{% ... %}`, whose functions are those of JSONata"
    found = _REFERENCES.fullmatch(text)
    return f"write `{{{next(part for part in found.groups() if part)}}}`, if a reference is meant" if found else ""


def function_meant(name: str) -> str:
    """How to call what is written as a function that there is not; empty where nothing like it is known."""
    known = {function.lower(): function for function in sorted(FUNCTIONS)}
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.8)
    if name in _FUNCTIONS and name.lower() not in known:
        return _FUNCTIONS[name]
    return f"write `${known[close[0]]}(...)`" if close else ""


def name_meant(code: str, at: int) -> str:
    """How to write the path that begins with a bare name."""
    written = re.match(r"[\w.\[\]]*[\w\]]", code[at:])
    name = written.group() if written else code[at:]
    if (intrinsic := name.removeprefix("States.")) in _INTRINSICS and intrinsic != name:
        return _INTRINSICS[intrinsic]
    if name in _CONSTANTS:
        return f"write `{_CONSTANTS[name]}`"
    return f"write `{{{name}}}` for a value of the flow, `'{name}'` for a text"


def _operator(code: str, token: Token) -> Slip | None:
    if token.kind != "operator":
        return None
    for text, hint in _OPERATORS.items():
        if code.startswith(text, token.start):
            return Slip(f"`{text}` is no operator", token.start, hint)
    if token.text == "!":
        return Slip("`!` is no operator", token.start, "write `$not(...)`")
    if token.text == ";" and not code[token.end :].strip():
        return Slip("`;` ends nothing here", token.start, "remove it")
    return None


def _word(found: Sequence[Token], index: int) -> Slip | None:
    token = found[index]
    follows = index > 0 and found[index - 1].text not in (".", "(", ",", "[", "{", ":")
    called = index + 1 < len(found) and found[index + 1].text == "("
    if token.kind != "name" or token.text not in _WORDS or called or (index > 0 and not follows):
        return None
    return Slip(f"`{token.text}` is no operator", token.start, _WORDS[token.text])


def _braces(code: str, token: Token, before: Token | None) -> Slip | None:
    """A reference with blanks in it, or with more than a name."""
    if token.text != "{" or (before is not None and before.text in (".", ")", "]")):
        return None
    wide = _WIDE.match(code, token.start)
    if wide is None:
        return None
    name, rest = wide.group(1), (wide.group(2) or "").strip()
    return Slip("this is no reference", token.start, f"write `{{{name}}}{f' {rest}' if rest else ''}`")
