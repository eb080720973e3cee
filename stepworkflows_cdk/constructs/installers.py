"""uv and pip: how each is asked for wheels for a function's platform, what its words mean when it fails, and what pip
cannot know.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker, default_environment

from stepworkflows_cdk.constructs.requirements import Requirements, masked
from stepworkflows_cdk.errors import PackagingError

if TYPE_CHECKING:
    from stepworkflows_cdk.constructs.wheels import Target

__all__ = ["check_markers", "find_installer", "install_command", "is_uv", "refusal"]


def find_installer() -> Sequence[str] | None:
    """The command of ``uv`` or ``pip``; None where this Python has neither."""
    beside = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv:
        return [uv, "pip"]
    return [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else None


def is_uv(installer: Sequence[str]) -> bool:
    """Whether a command is that of ``uv``."""
    return installer[-1] == "pip" and "-m" not in installer


def install_command(installer: Sequence[str], requirements: Path, folder: Path, target: Target) -> list[str]:
    """The call that installs the wheels of ``requirements`` for ``target`` into ``folder``."""
    common = ["--requirement", str(requirements), "--target", str(folder), "--only-binary", ":all:"]
    python = ["--python-version", target.python]
    if is_uv(installer):
        flavour = "manylinux_2_28" if target.glibc >= 28 else "manylinux2014"
        platform = ["--python-platform", f"{target.machine}-{flavour}", "--link-mode", "copy"]
        # The Python that uv works with: this one, else it would look for some other, or fetch one.
        return [*installer, "install", *common, *python, *platform, "--python", sys.executable]
    names = [f"manylinux_2_{minor}_{target.machine}" for minor in range(target.glibc, 16, -1)]
    platforms = [word for name in (*names, f"manylinux2014_{target.machine}") for word in ("--platform", name)]
    quiet = ["--implementation", "cp", "--no-compile", "--disable-pip-version-check"]
    return [*installer, "install", *common, *python, *platforms, *quiet]


def refusal(code: Path, target: Target, installer: str, output: str) -> PackagingError:
    """What the installer said last, and the fix for what it is most likely to mean."""
    said = masked(output.strip())
    fix = next((fix for pattern, fix in _CAUSES if pattern.search(said)), _CAUSES[-1][1])
    last = "\n".join(f"    {line}" for line in said.splitlines()[-8:])
    # Older runtimes have an older C library as well, which new wheels do not take.
    other = f"3.{int(target.python.partition('.')[2]) - 1}" if target.glibc >= 28 else "3.13"
    return PackagingError(
        f"{code}: its dependencies cannot be installed as wheels for Python {target.python} on {target.architecture}; "
        f"{installer} says:\n{last}\nfix: {fix.format(other=other)}"
    )


_BUILD = "build a wheel, put it beside the code and name it in requirements.txt: ./NAME.whl"
_NO_WHEEL = (
    'name versions that have such wheels, or another Python, `runs-on: {{lambda: {{python: "{other}"}}}}`, or ' + _BUILD
)
_CAUSES = (
    (
        re.compile(
            r"dns error|failed to (?:fetch|connect|resolve|lookup)|error sending request|could not resolve host"
            r"|connection (?:broken|refused|reset|timed out)|name resolution|network is unreachable|timed out|certificate",
            re.I,
        ),
        "the package index was not reached: check the network, and the index that is set",
    ),
    (
        re.compile(r"\b40[13]\b|unauthorized|forbidden|credentials", re.I),
        "the package index does not let this machine in: check its credentials",
    ),
    (re.compile(r"not found in the package registry", re.I), "check the package's name, and the index that is set"),
    (
        re.compile(r"from versions: none"),
        f"check the package's name; where it is right, there is no wheel of it for any version: {_BUILD}",
    ),
    (
        re.compile(r"wheel|building (?:from )?source|no matching distribution", re.I),
        _NO_WHEEL,
    ),
    (re.compile(r""), "mend what it says, or package the code into a .zip yourself"),
)
"""What the installers' words tell, and its fix; the first that fits."""

_EXTRA = "extra"


def check_markers(code: Path, requirements: Requirements, folder: Path, target: Target) -> None:
    """Refuses what ``pip`` would decide by this machine: it reads environment markers, also those of the packages, as if
    they ran here, whatever machine wheels are asked for (https://github.com/pypa/pip/issues/11664). A marker that holds
    both here and there, or neither, is no matter.
    """
    here, *there = _environments(target)
    asked = [*requirements.lines, *_asked_by(folder)]
    extras = {extra.strip() for line in asked for listed in _EXTRAS.findall(line) for extra in listed.split(",")}
    for line in asked:
        try:
            marker = Marker(line.partition(";")[2])
        except InvalidMarker:
            continue  # the line has none; a wrong one pip has refused
        for extra in ("", *sorted(extras)):
            answers = {marker.evaluate({**each, _EXTRA: extra}) for each in (here, *there)}
            if len(answers) > 1:
                names = [name for name in there[0] if re.search(rf"\b{name}\b", str(marker))]
                found = next((name for name in names if here[name] != there[0][name]), names[0])
                raise PackagingError(
                    f"{code}: {masked(line)!r} asks for `{found}`, which pip reads of this machine and not of the function's\n"
                    "fix: pip install uv, which reads it of the function's"
                )


def _environments(target: Target) -> Iterator[dict[str, str]]:
    """What markers ask for, of this machine and of the function's, whose Python may be any patch of its version.

    https://packaging.python.org/en/latest/specifications/dependency-specifiers/
    """
    here = {name: str(value) for name, value in default_environment().items()}
    yield here
    lambdas = {
        "os_name": "posix",
        "platform_machine": target.machine,
        "platform_system": "Linux",
        "sys_platform": "linux",
    }
    for patch in ("0", "99"):
        full = f"{target.python}.{patch}"
        versions = {"python_version": target.python, "python_full_version": full, "implementation_version": full}
        yield {**here, **lambdas, **versions}


_EXTRAS = re.compile(r"\A[\w.-]+\s*\[([^\]]*)\]")


def _asked_by(folder: Path) -> Iterator[str]:
    """What the packages in a folder ask for themselves."""
    for metadata in sorted(folder.glob("*.dist-info/METADATA")):
        head = metadata.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        for line in head.splitlines():
            if line.lower().startswith("requires-dist:"):
                yield line.partition(":")[2].strip()
