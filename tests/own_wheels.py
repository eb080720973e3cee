"""Stand-ins for the wheels that functions of this library's own take, so that tests which make stacks take no network."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import stepworkflows_cdk
from stepworkflows_cdk.constructs.requirements import read_requirements
from stepworkflows_cdk.constructs.wheels import Target, WheelStore

INTEGRATIONS = Path(stepworkflows_cdk.__file__).parent / "integrations"
TARGET = Target("3.14", "arm64")


def laid(cache: Path) -> Path:
    """Fills a cache of packages, as STEPWORKFLOWS_CACHE names one: for each function a package ``stand_in``."""
    store = WheelStore(cache, run=_install, installer=lambda: ("uv", "pip"))
    for file in sorted(INTEGRATIONS.rglob("requirements.txt")):
        requirements = read_requirements(file.parent)
        assert requirements
        store.install(file.parent, requirements, TARGET)
    return cache


def _install(command: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    folder = Path(command[command.index("--target") + 1])
    (folder / "stand_in.py").write_text("", encoding="utf-8")
    return subprocess.CompletedProcess(command, 0, "", "")
