"""What is called before a step of a flow with ``cancel``."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.integration import Call

__all__ = ["Ahead"]


@dataclass(frozen=True)
class Ahead:
    """A call whose ``result`` is whether the flow is to end here; so it is also where it fails as ``refused``."""

    call: Call
    refused: str = ""
    wait: Call | None = None
    """Of a step that waits for a time: what waits in the place of a Wait state until its time-out, so that a request can end
    it; it fails as ``refused`` where the request is there already."""
