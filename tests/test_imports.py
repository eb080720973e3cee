"""The layers, held: who may import whom, at the top of a module and inside functions, and what importing costs.

``violations`` reads a source tree and gives one line for each import that crosses the layers; planted ones test it.
Imports under TYPE_CHECKING are free: they are for readers, and run nowhere.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "stepworkflows_cdk"
CDK = frozenset({"aws_cdk", "cdk_nag", "constructs", "jsii"})
BOTO = frozenset({"boto3", "botocore"})
AWS = BOTO | {"moto"}

DOCUMENT = frozenset({"errors", "language"})
COMPILED = DOCUMENT | {"compiler"}
KNOWN = COMPILED | {"integrations", "integration"}
FRONT = KNOWN | {"entrance"}


@dataclass(frozen=True)
class Rule:
    """The layers and outside packages that a layer may import; ``inside`` are those that only its functions may."""

    top: frozenset[str]
    inside: frozenset[str] = frozenset()


# A layer is a folder of the package. "integration" is one integration's folder without its modules cdk and local;
# "shared" is a module beside these folders, for all of them;
# "entrance" is what stands beside the folders and composes them: definition, extension, objects, reference.
RULES = {
    "errors": Rule(frozenset({"errors"})),
    "language": Rule(DOCUMENT),
    "compiler": Rule(COMPILED),
    "shared": Rule(COMPILED),
    "integration": Rule(
        COMPILED | {"integration", "shared"}, frozenset({"integration.cdk", "integration.local", "botocore"})
    ),
    "integration.cdk": Rule(COMPILED | CDK | {"shared", "integration", "integration.cdk", "constructs/"}),
    "integration.local": Rule(COMPILED | AWS | {"integration", "integration.local", "local"}),
    "integrations": Rule(KNOWN),
    "step code": Rule(BOTO),
    "entrance": Rule(FRONT),
    "pictures": Rule(COMPILED | {"pictures"}),
    "constructs/": Rule(FRONT | CDK | {"constructs/"}),
    "local": Rule(FRONT | AWS | {"local"}),
    "testing": Rule(FRONT | {"local", "package", "testing"}),
    "cli": Rule(FRONT | {"cli", "local", "package", "pictures"}),
    "package": Rule(FRONT, frozenset({"constructs/", "local", "testing"})),
}


@dataclass(frozen=True)
class Import:
    """One import: the module, the name taken from it (empty for the whole), the line, whether a function does it."""

    module: str
    name: str
    line: int
    inside: bool


def violations(root: Path) -> list[str]:
    """What in the repository at ``root`` imports across the layers, one line each: ``file:line: what``."""
    found = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        for one in imports(path, root):
            fault = layer_fault(path.relative_to(root / PACKAGE).as_posix(), one, root)
            if fault:
                found.append(f"{path.relative_to(root).as_posix()}:{one.line}: {fault}")
    for path in sorted((root / "lambdas").rglob("*.py")):
        siblings = {other.stem for other in path.parent.glob("*.py")}
        for one in imports(path, root):
            if one.module.partition(".")[0] not in sys.stdlib_module_names | BOTO | siblings:
                found.append(f"{path.relative_to(root).as_posix()}:{one.line}: step code imports {one.module}")
    app = root / "app.py"
    if app.exists():
        public = public_names(root)
        for one in imports(app, root):
            if one.module.partition(".")[0] == PACKAGE and (one.module != PACKAGE or one.name not in public):
                found.append(f"app.py:{one.line}: {one.module} {one.name}".rstrip() + " is not public")
    return found


def layer_fault(file: str, one: Import, root: Path) -> str:
    """What is wrong with the import of a module of the package; empty where nothing is."""
    source, target = layer_of(file), target_of(one, root)
    allowed = RULES[source].top | (RULES[source].inside if one.inside else frozenset())
    if target is None:
        return ""
    where = "inside a function" if one.inside else "at its top"
    if target not in allowed:
        return f"{source.rstrip('/')} imports {target.rstrip('/')} {where}"
    if source.startswith("integration.") or source == "integration":
        own, other = file.split("/")[1], one.module.split(".")
        needs = "needs" in (other[-1], one.name)  # what other integrations bind, anyone may plan
        if target.startswith("integration") and own not in [*other, one.name] and not needs:
            return f"the integration {own} imports {one.module}"
    return ""


def layer_of(file: str) -> str:
    """The layer of a file, given relative to the package."""
    parts = file.removesuffix(".py").split("/")
    match parts:
        case ["__init__"]:
            return "package"
        case ["integrations", "__init__"]:
            return "integrations"
        case ["integrations", _]:
            return "shared"
        case ["integrations", _, "cdk" | "local" as side, *_]:
            return f"integration.{side}"
        case ["integrations", _, _, _, *_]:
            return "step code"
        case ["integrations", *_]:
            return "integration"
        case ["constructs", *_]:
            return "constructs/"  # the package of the same name is `constructs`
        case ["__main__"]:
            return "cli"
        case ["definition" | "extension" | "objects" | "reference"]:
            return "entrance"
        case [first, *_]:
            return first
    raise AssertionError(file)


def target_of(one: Import, root: Path) -> str | None:
    """The layer or the outside package that an import loads; None for packages that every layer may use."""
    first, _, rest = one.module.partition(".")
    if first != PACKAGE:
        return first if first in CDK | AWS else None
    for parts in ([*rest.split("."), one.name], rest.split(".")):
        path = Path(*[part for part in parts if part])
        if (root / PACKAGE / path).with_suffix(".py").is_file():
            return layer_of(f"{path.as_posix()}.py")
        if path.parts and (root / PACKAGE / path).is_dir():
            return layer_of(f"{path.as_posix()}/__init__.py")
    return layer_of(f"{rest.replace('.', '/')}.py") if rest else "package"


def imports(path: Path, root: Path) -> Iterator[Import]:
    """The imports of a file that run, with relative ones made absolute and ``import_module("...")`` among them."""
    folder = path.relative_to(root).parent.parts
    yield from _imports(ast.parse(path.read_text("utf-8")), folder, inside=False)


def _imports(node: ast.AST, folder: tuple[str, ...], *, inside: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield Import(alias.name, "", node.lineno, inside)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = ".".join([*folder[: len(folder) - level + 1], *filter(None, [module])]) if level else str(module)
            for alias in names:
                yield Import(base, alias.name, node.lineno, inside)
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(module)), *_],
        ):
            yield Import(module, "", node.lineno, inside)
    if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
        children: list[ast.AST] = list(node.orelse)
    else:
        children = list(ast.iter_child_nodes(node))
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in children:
        yield from _imports(child, folder, inside=inside or function)


def public_names(root: Path) -> list[str]:
    """The ``__all__`` of the package."""
    for node in ast.parse((root / PACKAGE / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


def test_imports_go_one_way(repository: Path) -> None:
    assert violations(repository) == []


def test_every_layer_has_a_rule(repository: Path) -> None:
    files = [path.relative_to(repository / PACKAGE).as_posix() for path in (repository / PACKAGE).rglob("*.py")]
    assert {layer_of(file) for file in files} <= RULES.keys()


@pytest.mark.parametrize(
    "module", [PACKAGE, f"{PACKAGE}.language", f"{PACKAGE}.compiler", f"{PACKAGE}.integrations", f"{PACKAGE}.cli.main"]
)
def test_importing_loads_neither_the_cdk_nor_an_aws_client(repository: Path, module: str) -> None:
    code = f"import sys, {module}\nprint(*sys.modules.keys() & set({sorted(CDK | AWS)}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=repository)
    assert (answer.returncode, answer.stdout.strip()) == (0, ""), answer.stderr


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A small repository that keeps the rules, for a test to break one."""
    for file, text in {
        f"{PACKAGE}/__init__.py": "__all__ = ['StepWorkflow']\nfrom .definition import Definition\n",
        f"{PACKAGE}/errors.py": "",
        f"{PACKAGE}/language/__init__.py": "",
        f"{PACKAGE}/language/model.py": "from stepworkflows_cdk import errors\n",
        f"{PACKAGE}/definition.py": "from stepworkflows_cdk.integrations import BUILTIN\n",
        f"{PACKAGE}/compiler/__init__.py": "",
        f"{PACKAGE}/compiler/plan.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import aws_cdk\n",
        f"{PACKAGE}/integrations/__init__.py": "from stepworkflows_cdk.integrations.s3.plan import S3\n",
        f"{PACKAGE}/integrations/s3/plan.py": "def f():\n    from .cdk import bind\n    from .local import realise\n",
        f"{PACKAGE}/integrations/s3/cdk.py": "import aws_cdk\nfrom stepworkflows_cdk.constructs.bound import Bound\n",
        f"{PACKAGE}/integrations/s3/local.py": "import boto3\nfrom stepworkflows_cdk.local import world\n",
        f"{PACKAGE}/integrations/sqs/plan.py": "from stepworkflows_cdk.integrations.code import check_code\n",
        f"{PACKAGE}/integrations/code.py": "from stepworkflows_cdk.language import model\n",
        f"{PACKAGE}/constructs/bound.py": "import constructs\n",
        f"{PACKAGE}/local/world.py": "from moto import mock_aws\n",
        f"{PACKAGE}/pictures/page.py": "from stepworkflows_cdk.compiler.plan import X\n",
        f"{PACKAGE}/pictures/model.py": "",
        f"{PACKAGE}/cli/main.py": "def run():\n    from stepworkflows_cdk.local import world\n",
        "lambdas/flow/pay/handler.py": "import boto3\nimport json\nfrom ledger import Ledger\n",
        "lambdas/flow/pay/ledger.py": "from botocore.exceptions import ClientError\n",
        "app.py": "import aws_cdk\nfrom stepworkflows_cdk import StepWorkflow\n",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    return tmp_path


def test_the_planted_repository_keeps_the_rules(planted: Path) -> None:
    assert violations(planted) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("language/model.py", "from stepworkflows_cdk.compiler import plan", "language imports compiler at its top"),
        ("language/model.py", "from ..compiler.plan import Need", "language imports compiler at its top"),
        ("language/model.py", "def f(): import boto3", "language imports boto3 inside a function"),
        (
            "language/model.py",
            "from stepworkflows_cdk.integrations import X",
            "language imports integrations at its top",
        ),
        ("compiler/plan.py", "import aws_cdk.aws_iam", "compiler imports aws_cdk at its top"),
        ("compiler/plan.py", "from constructs import Construct", "compiler imports constructs at its top"),
        ("compiler/plan.py", "if True:\n    import jsii", "compiler imports jsii at its top"),
        ("compiler/plan.py", "def f():\n    __import__('botocore')", "compiler imports botocore inside a function"),
        (
            "compiler/plan.py",
            "import importlib\nx = importlib.import_module('stepworkflows_cdk.integrations.s3.plan')",
            "compiler imports integration at its top",
        ),
        (
            "compiler/plan.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import moto",
            "compiler imports moto at its top",
        ),
        ("integrations/s3/plan.py", "from . import cdk", "integration imports integration.cdk at its top"),
        ("integrations/s3/plan.py", "class A:\n    import boto3", "integration imports boto3 at its top"),
        ("integrations/s3/plan.py", "def f():\n    import aws_cdk", "integration imports aws_cdk inside a function"),
        (
            "integrations/s3/plan.py",
            "from stepworkflows_cdk.integrations.sqs.plan import Queue",
            "the integration s3 imports stepworkflows_cdk.integrations.sqs.plan",
        ),
        (
            "integrations/s3/cdk.py",
            "from stepworkflows_cdk.integrations.sqs import plan",
            "the integration s3 imports stepworkflows_cdk.integrations.sqs",
        ),
        ("integrations/code.py", "from .s3.plan import S3", "shared imports integration at its top"),
        ("integrations/s3/cdk.py", "import boto3", "integration.cdk imports boto3 at its top"),
        ("integrations/s3/local.py", "import aws_cdk", "integration.local imports aws_cdk at its top"),
        ("integrations/__init__.py", "from .s3.local import f", "integrations imports integration.local at its top"),
        ("constructs/bound.py", "from stepworkflows_cdk.local import world", "constructs imports local at its top"),
        ("local/world.py", "from stepworkflows_cdk.constructs import bound", "local imports constructs at its top"),
        ("pictures/page.py", "from stepworkflows_cdk.local import events", "pictures imports local at its top"),
        ("compiler/plan.py", "from stepworkflows_cdk.pictures import model", "compiler imports pictures at its top"),
        ("cli/main.py", "import boto3", "cli imports boto3 at its top"),
        (
            "cli/main.py",
            "def f():\n    from stepworkflows_cdk import constructs",
            "cli imports constructs inside a function",
        ),
        (
            "__init__.py",
            "__all__ = ['StepWorkflow']\nfrom .constructs import bound",
            "package imports constructs at its top",
        ),
        ("errors.py", "import stepworkflows_cdk.language.model", "errors imports language at its top"),
    ],
)
def test_an_import_across_the_layers_is_found(planted: Path, file: str, text: str, fault: str) -> None:
    (planted / PACKAGE / file).write_text(text)
    assert [line.partition(": ")[2] for line in violations(planted)] == [fault]


@pytest.mark.parametrize("module", [PACKAGE, "aws_cdk", "requests"])
def test_step_code_that_could_not_run_in_lambda_alone_is_found(planted: Path, module: str) -> None:
    (planted / "lambdas/flow/pay/ledger.py").write_text(f"def f():\n    import {module}\n")
    assert violations(planted) == [f"lambdas/flow/pay/ledger.py:2: step code imports {module}"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("from stepworkflows_cdk import Hidden", "stepworkflows_cdk Hidden is not public"),
        (
            "from stepworkflows_cdk.constructs.bound import Bound",
            "stepworkflows_cdk.constructs.bound Bound is not public",
        ),
        ("import stepworkflows_cdk.errors", "stepworkflows_cdk.errors is not public"),
    ],
)
def test_an_app_that_reaches_behind_the_public_names_is_found(planted: Path, text: str, fault: str) -> None:
    (planted / "app.py").write_text(text)
    assert violations(planted) == [f"app.py:1: {fault}"]
