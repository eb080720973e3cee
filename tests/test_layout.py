"""What the repository promises about its own shape: public names, small modules, a complete wheel, no place named."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import stepworkflows_cdk

PUBLIC = [
    "ConfigurationError",
    "Definition",
    "DocumentError",
    "Integration",
    "LocalRunError",
    "OrderFlow",
    "PackagingError",
    "Profile",
    "Rotation",
    "Step",
    "StepWorkflow",
    "StepWorkflowsError",
    "Workflow",
    "WorkflowSpace",
    "compile_workflow",
    "validate",
]

NOT_OURS = {".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__"}
NOT_OURS |= {"build", "cdk.out", "dist", "node_modules"}

# In pieces, so that this file does not name them.
HOSTS = re.compile(
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "npmjs" + r"\.com"])
)
PATHS = re.compile(r"(?<![\w.$}\]-])/(?:home|root|Users|work|tmp|var/folders)/\w")


def texts(repository: Path) -> Iterator[tuple[str, str]]:
    """The text files of the repository, by their paths in it."""
    for path in sorted(repository.rglob("*")):
        place = path.relative_to(repository)
        if path.is_file() and not NOT_OURS.intersection(place.parts) and path.suffix not in {".zip", ".png", ".pyc"}:
            yield place.as_posix(), path.read_text("utf-8")


def test_the_public_names_are_these() -> None:
    assert stepworkflows_cdk.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(stepworkflows_cdk, name).__doc__


def test_modules_stay_small(repository: Path) -> None:
    long = {
        file: text.count("\n")
        for file, text in texts(repository)
        if file.endswith(".py") and not file.startswith("tests/") and text.count("\n") > 400
    }
    assert long == {}


def test_every_module_says_what_it_is_for(repository: Path) -> None:
    modules = ((file, text) for file, text in texts(repository) if file.endswith(".py"))
    silent = [file for file, text in modules if not file.startswith("tests/") and text.strip()[:3] not in {"", '"""'}]
    assert silent == []


def test_no_file_names_a_package_registry(repository: Path) -> None:
    assert all(map(HOSTS.search, ["https://" + "pypi" + ".org/simple", "registry" + ".npmjs.org"]))
    assert {file: match.group() for file, text in texts(repository) if (match := HOSTS.search(text))} == {}


def test_no_file_names_a_folder_of_one_machine(repository: Path) -> None:
    assert all(map(PATHS.search, ["cd /home/ada/flow", "open('/tmp/x')", "PATH=/Users/ada"]))
    ours = ((file, text) for file, text in texts(repository) if not file.startswith("tests/"))
    assert {file: match.group() for file, text in ours if (match := PATHS.search(text))} == {}


def test_every_pinned_version_is_in_the_range_that_is_declared(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = dict(line.split("==") for line in (repository / "constraints.txt").read_text("utf-8").splitlines())
    pinned = {normal(name): version for name, version in pinned.items()}
    extras = project["optional-dependencies"]
    for requirement in [*project["dependencies"], *(one for extra in extras.values() for one in extra)]:
        name, *_ = re.split(r"[\[<>=!~; ]", requirement)
        if name == project["name"]:
            continue
        version = [int(part) for part in pinned[normal(name)].split(".")[:3]]
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", requirement):
            limit = [int(part) for part in bound.split(".")]
            assert (version >= limit) if sign == ">=" else (version < limit), (requirement, version)


def test_the_readme_runs_what_ci_runs(repository: Path) -> None:
    readme = (repository / "README.md").read_text("utf-8")
    commands = re.findall(r"```sh\n(.+?)\n```", readme, re.DOTALL)
    assert all("\n" not in command for command in commands[:2]), "the first two commands are one pasted line each"
    assert commands[0].endswith(".venv/bin/stepworkflows run lambdas/order_flow/workflow.yaml")
    assert commands[1] == ".ci/run"


def test_the_wheel_holds_the_package_and_the_order_flow_and_nothing_else(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = {
        f"{place}{path.relative_to(repository / folder).as_posix()}"
        for folder, place in {
            "stepworkflows_cdk": "stepworkflows_cdk/",
            "lambdas": "stepworkflows_cdk/_lambdas/",
        }.items()
        for path in (repository / folder).rglob("*")
        if path.is_file() and not NOT_OURS.intersection(path.parts) and path.suffix != ".pyc"
    }
    assert files == ours
    assert "stepworkflows_cdk/_lambdas/order_flow/payment/charge.py" in files


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
