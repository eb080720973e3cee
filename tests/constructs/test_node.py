from pathlib import Path

import pytest

from stepworkflows_cdk.constructs.node import node_of_wheel, resolve_node, use_node
from stepworkflows_cdk.errors import StepWorkflowsError


def nothing(name: str) -> None:
    return None


def test_a_node_that_somebody_chose_stays():
    chosen = {"JSII_NODE": "/opt/node"}
    assert resolve_node(chosen, wheel=lambda: Path("wheel/node"), which=nothing) is None


def test_the_wheel_comes_before_the_path():
    assert resolve_node({}, wheel=lambda: Path("wheel/node"), which=lambda name: "/usr/bin/node") == str(
        Path("wheel/node")
    )


def test_without_the_wheel_jsii_finds_the_node_of_the_path_itself():
    assert resolve_node({}, wheel=lambda: None, which=lambda name: f"/usr/bin/{name}") is None


def test_a_machine_without_node_is_told_which_extra_to_install():
    with pytest.raises(StepWorkflowsError, match=r"pip install 'stepworkflows-cdk\[node\]'"):
        resolve_node({}, wheel=lambda: None, which=nothing)


def test_use_node_leaves_an_environment_alone_that_has_a_choice():
    environment = {"JSII_NODE": "/opt/node"}
    use_node(environment)
    assert environment == {"JSII_NODE": "/opt/node"}


@pytest.mark.parametrize(("windows", "inside"), [(False, "bin/node"), (True, "node.exe")])
def test_the_wheel_keeps_node_where_its_platform_has_it(tmp_path, monkeypatch, windows, inside):
    node = tmp_path / "node_in_a_wheel" / inside
    node.parent.mkdir(parents=True)
    node.touch()
    (tmp_path / "node_in_a_wheel" / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert node_of_wheel("node_in_a_wheel", windows=windows) == node
    assert node_of_wheel("node_in_a_wheel", windows=not windows) is None


def test_no_wheel():
    assert node_of_wheel("no_such_package_anywhere") is None
