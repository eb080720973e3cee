"""The bundle: the compiler's product. Each machine as the ASL text that deploys and that runs here, and what the texts need.

``constructs`` and ``local`` read a bundle and nothing else of the compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Grant, Hole, Need
from stepworkflows_cdk.language.diagnostics import Mark

__all__ = ["Bundle", "Machine"]


@dataclass(frozen=True)
class Machine:
    """One state machine.

    ``text`` is its definition in Amazon States Language (JSONata mode), a literal JSON string with ``${name}`` for each of
    ``holes``; ``states`` tells for each state, branches included, the line of the document that caused it.
    """

    id: str
    text: str
    holes: tuple[Hole, ...]
    states: Mapping[str, Mark]
    mark: Mark


@dataclass(frozen=True)
class Bundle:
    """Everything that one workflow becomes. ``machines[0]`` is the machine that is started."""

    machines: tuple[Machine, ...]
    needs: tuple[Need, ...]
    grants: tuple[Grant, ...]

    @property
    def main(self) -> Machine:
        return self.machines[0]
