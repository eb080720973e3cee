"""What a step that reads or writes files needs: a bucket."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["BucketNeed"]


@dataclass(frozen=True, kw_only=True)
class BucketNeed(Need):
    """An S3 bucket. Attributes for holes: ``name`` and ``arn``."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""
