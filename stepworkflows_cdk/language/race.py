"""The keys of `join`: how many branches of a `parallel` are waited for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stepworkflows_cdk.language.keys import Keys

__all__ = ["Join", "JoinKeys"]


class JoinKeys(Keys):
    """How many branches of a `parallel` have to succeed; the others are not awaited.

    Each branch that succeeds is counted by one write into a table that comes with the flow, one write unit of DynamoDB for
    each KB of what the branches gave so far, in which the branches together have 16 KiB.
    """

    at_least: int = Field(
        ge=2, description="So many branches, whichever are first; with fewer it fails as `TooFewBranches`."
    )


Join = Literal["any"] | JoinKeys
