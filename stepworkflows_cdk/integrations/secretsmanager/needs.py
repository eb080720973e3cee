"""What a step that reads a secret needs."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["SecretNeed"]


@dataclass(frozen=True, kw_only=True)
class SecretNeed(Need):
    """A secret in Secrets Manager. Attributes for holes: ``arn``. The value is never part of a bundle."""

    name: str
    """The name under ``secrets`` in the document, which the caller injects by."""
    description: str
