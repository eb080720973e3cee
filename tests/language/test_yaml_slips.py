"""Where YAML cannot be read: what to do about it, on the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepworkflows_cdk import validate

STEP = "name: a\nsteps:\n  - id: b\n"
SLIPS = {
    "a condition": (f"{STEP}    if: {{n}} > 3\n", 'quote it: `if: "{n} > 3"`'),
    "one with brackets": (f"{STEP}    if: {{n}} in [1, 2]\n", 'quote it: `if: "{n} in [1, 2]"`'),
    "one in braces": ("name: a\nsteps:\n  - {id: b, if: {n} > 3, wait: 5}\n", 'quote it: `if: "{n} > 3"`'),
    "one of an arm": ("name: a\nsteps: [{id: b, switch: [{when: {n} = 1}]}]\n", 'quote it: `when: "{n} = 1"`'),
    "a text": (f"{STEP}    outputs: {{x: {{user.name}} too, y: 5}}\n", 'quote it: `x: "{user.name} too"`'),
    "an expression": (f"{STEP}    outputs:\n      x: {{% $sum({{l}}) %}}\n", 'quote it: `x: "{% $sum({l}) %}"`'),
    "an expression in braces": (f"{STEP}    outputs: {{m: {{% {{n}} + 1 %}}}}\n", 'quote it: `m: "{% {n} + 1 %}"`'),
    "a colon in braces": (f"{STEP}    inputs: {{subject: Re: hello, n: 1}}\n", 'quote it: `subject: "Re: hello"`'),
    "not": (f"{STEP}    if: !{{flag}}\n", 'quote it: `if: "!{flag}"`'),
    "a colon in a text": ("name: a\ndescription: It's: so\n", 'quote it: `description: "It\'s: so"`'),
    "quotes in part": (
        f'{STEP}    if: "{{n}}" > "3"\n',
        "quote the whole value once, and use the other quotes inside of it",
    ),
    "quotes in quotes": (
        f"{STEP}    if: '{{s}} = 'x''\n",
        "quote the whole value once, and use the other quotes inside of it",
    ),
    "a credential": (f"{STEP}    password: {{n}} swordfish\n", "quote the value"),
    "a depth between": (
        f"{STEP}    wait: 5\n   - id: c\n",
        "it is indented by 3, and what it can belong to by 0 or 2 or 4",
    ),
    "no dash": (f"{STEP}    wait: 5\n  id: c\n", "an item of a list begins with `- `"),
    "no colon": ("name: a\nsteps\n  - id: c\n", "a colon is missing on line 2"),
    "no colon in a step": ("name: a\nsteps:\n  - id c\n    wait: 5\n", "a colon is missing on line 3"),
    "no bracket": (
        f'{STEP}    inputs: {{x: "y"\n    wait: 5\n',
        "close what opens on line 4, or mend what is inside of it",
    ),
}


@pytest.mark.parametrize("what", SLIPS)
def test_it_is_said_how_to_write_it(tmp_path: Path, what: str) -> None:
    text, hint = SLIPS[what]
    (tmp_path / "workflow.yaml").write_text(text, encoding="utf-8")
    (problem,) = validate(tmp_path / "workflow.yaml").problems
    assert (problem.code, problem.hint) == ("SW010", hint)
