"""What a step that runs on Lambda needs: a function, created from code or imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepworkflows_cdk.compiler.plan import Need, Text

__all__ = ["FunctionNeed"]


@dataclass(frozen=True, kw_only=True)
class FunctionNeed(Need):
    """A Lambda function. Attributes for holes: ``arn``, of the published version where it does the work of steps.

    Created from ``code`` (a folder or a zip, as resolved on this machine) or from ``image``; with neither it exists
    already, as ``arn``. ``name`` is its physical name, None where CloudFormation chooses one.
    """

    code: Path | None
    handler: str
    """Module and function; of an image its command, empty for the image's own."""
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
    image: Text | None = None
    """An image in ECR, with its tag or digest."""
    network: str | None = None
    """The id of the network's need."""
    ephemeral_storage: int = 512
    """MiB of ``/tmp``."""
    concurrency: int | None = None
    """How many calls may run at once, set aside for it; None: what the account has."""

    @property
    def made(self) -> bool:
        """Whether it is made here."""
        return self.code is not None or self.image is not None

    @property
    def refers_to(self) -> frozenset[str]:
        named = frozenset(hole.need for _, text in self.env for hole in text.holes)
        return named | ({self.network} if self.network else set())
