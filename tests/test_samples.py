"""The page about samples says how many lines they have, and those that they re-express.

``tests/judges/test_samples.py`` counts those of the originals, and runs them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "tests" / "flows").glob("sample-*"))
PAGE = (ROOT / "docs" / "samples.md").read_text(encoding="utf-8")


def lines_of(*paths: Path) -> int:
    """Lines that are neither blank nor a comment."""
    written = [line.strip() for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return len([line for line in written if line and not line.startswith("#")])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_the_page_counts_what_is_there(sample: Path) -> None:
    original = json.loads((sample / "original.json").read_text(encoding="utf-8"))
    name, folder = sample.name.removeprefix("sample-"), original["folder"]
    definitions, wiring = sum(original["definitions"].values()), sum(original["wiring"].values())
    ours = lines_of(*sample.glob("*.yaml"))
    row = f"| [{name}](../tests/flows/{sample.name}/workflow.yaml) | {folder} | {definitions} | {wiring} | {ours} |"
    assert row in PAGE
    assert ours < definitions


def test_ten_or_more_are_re_expressed_and_none_with_states_of_its_own() -> None:
    assert len({json.loads((sample / "original.json").read_text("utf-8"))["folder"] for sample in SAMPLES}) >= 10
    for sample in SAMPLES:
        for document in sample.glob("*.yaml"):
            assert not re.search(r"\basl:", document.read_text(encoding="utf-8")), document


def test_the_page_sums_them_up() -> None:
    rows = [[int(cell) for cell in row.split(" | ")[2:5]] for row in PAGE.splitlines() if row.startswith("| [")]
    definitions, wiring, ours = map(sum, zip(*rows, strict=True))
    assert f"| all {len(rows)} | | {definitions} | {wiring} | {ours} |" in PAGE
