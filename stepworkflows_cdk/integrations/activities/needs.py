"""What a step needs that workers do: an activity, which they ask for work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["ActivityNeed"]


@dataclass(frozen=True, kw_only=True)
class ActivityNeed(Need):
    """An activity of Step Functions. Attributes for holes: ``arn``.

    ``code`` is that of a worker, and runs on this machine only: nothing of it is deployed.
    """

    code: Path | None
    handler: str
    timeout: int
    """Seconds that a piece of work may take, the wait for a worker among them."""
