"""What steps inside a private network need: the network, a VPC."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["NetworkNeed"]


@dataclass(frozen=True, kw_only=True)
class NetworkNeed(Need):
    """A VPC. Attributes for holes: ``id`` and ``arn``. Bound, its construct is an ``ec2.IVpc``."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""
