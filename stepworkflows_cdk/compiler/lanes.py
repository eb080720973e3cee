"""Lanes: the scopes of a machine. The main one, and one for each branch of a ``parallel``.

A branch cannot assign what an outer scope assigns, and never fails from inside: its errors are handed out as data, and
what happens then is decided where it is joined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from stepworkflows_cdk.compiler.plan import Data, Jsonata
from stepworkflows_cdk.compiler.tasks import Handler
from stepworkflows_cdk.compiler.tries import Tries
from stepworkflows_cdk.language.targets import Frame
from stepworkflows_cdk.language.workflow import Step

__all__ = ["Lane"]


@dataclass
class Lane:
    """One scope. ``handler`` says where the errors of a step of this lane go, and what they assign; ``stop`` is where the
    flow goes on that ends early and well.
    """

    frame: Frame
    handler: Callable[[Step | None, bool], Handler]
    stop: str
    ended: str | None = None
    """The state in which the execution simply fails; only the main lane has one."""
    tries: Tries = field(default_factory=Tries)

    @property
    def depth(self) -> int:
        return len(self.frame)

    @property
    def failure(self) -> str:
        """The variable of the error that ends the lane."""
        return f"failure{self.depth or ''}"

    @property
    def caught(self) -> str:
        """The variable of the error that is being looked at."""
        return f"caught{self.depth or ''}"

    @property
    def stopped(self) -> str:
        """The variable of what the flow gives that ends early and well: its outputs, in a branch under ``outputs``."""
        return f"stopped{self.depth}" if self.frame else "result"

    def error(self, error: str, cause: str) -> dict[str, Data]:
        """An error as a variable holds it. One that a join found keeps the time when it arose."""
        value: dict[str, Data] = {"type": Jsonata(error), "cause": Jsonata(cause)}
        if self.frame:
            joined = error.startswith("$failed_") and error.endswith(".type")
            value["at"] = Jsonata(f"{error.removesuffix('.type')}.at" if joined else "$millis()")
        return value

    def fails(self, error: str, cause: str) -> Mapping[str, Data]:
        """What is assigned where the lane fails."""
        return {self.failure: self.error(error, cause)}

    def stops(self, outputs: Data) -> Mapping[str, Data]:
        """What is assigned where the flow ends early and well."""
        return {self.stopped: {"outputs": outputs} if self.frame else outputs}

    def inside(self, handler: Handler) -> Lane:
        """The same scope where a step around these takes their errors."""
        return replace(self, handler=lambda _step, _completed: handler, ended=None)
