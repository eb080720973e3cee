"""The manual says what the models say."""

from __future__ import annotations

import os
from pathlib import Path

from stepworkflows_cdk.integrations import BUILTIN
from stepworkflows_cdk.language.manual import manual
from stepworkflows_cdk.language.scope import ROOTS


def test_the_page_is_what_the_models_say(repository: Path) -> None:
    page = repository / "docs" / "language.md"
    text = manual(BUILTIN)
    if os.environ.get("UPDATE_GOLDEN") == "1" and not os.environ.get("CI"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text


def test_every_root_of_a_reference_is_explained() -> None:
    text = manual(BUILTIN)
    assert [root for root in ROOTS if f"| `{{{root}" not in text] == []


def test_every_key_says_what_it_means(repository: Path) -> None:
    rows = [line for line in manual(BUILTIN).splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert [row for row in rows if row.endswith("|  |")] == []
