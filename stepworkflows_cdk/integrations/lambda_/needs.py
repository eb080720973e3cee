"""What a step that runs on Lambda needs: a function, created from code or imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepworkflows_cdk.compiler.plan import Need, Text

__all__ = ["FunctionNeed"]


@dataclass(frozen=True, kw_only=True)
class FunctionNeed(Need):
    """A Lambda function. Attributes for holes: ``arn``.

    Created from ``code`` (a folder or a zip, as resolved on this machine) unless ``arn`` is given and ``code`` is None:
    then the function exists already. ``name`` is its physical name, None where CloudFormation chooses one.
    """

    code: Path | None
    handler: str
    env: tuple[tuple[str, Text], ...]
    """Environment variables, sorted by name."""
    timeout: int
    """Seconds, 1 to 900."""
    memory: int
    """MiB."""
    python: str
    """The Python version of the runtime, such as ``3.13``."""
    architecture: str
    """``arm64`` or ``x86_64``."""
    arn: Text | None = None
    name: str | None = None

    @property
    def refers_to(self) -> frozenset[str]:
        return frozenset(hole.need for _, text in self.env for hole in text.holes)
