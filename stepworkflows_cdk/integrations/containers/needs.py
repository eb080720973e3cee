"""What a step that runs in a container needs: a task definition with all that is around it, and the cluster that it runs
in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stepworkflows_cdk.compiler.plan import Need, Text

__all__ = ["PULL", "ClusterNeed", "ContainerNeed"]

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What fetching an image takes: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html"""


@dataclass(frozen=True, kw_only=True)
class ClusterNeed(Need):
    """An ECS cluster. Attributes for holes: ``name`` and ``arn``. The one called ``containers`` is made where the caller
    gives none; any other is the caller's.
    """

    name: str
    """The name, under ``resources`` in the document or of its own, which the caller injects by."""


@dataclass(frozen=True, kw_only=True)
class ContainerNeed(Need):
    """An ECS task definition with one container. Attributes for holes: ``arn`` of the task definition, ``family``, which
    means its newest revision; ``task_role_arn``
    and ``execution_role_arn``; ``subnets``, their ids with commas between; ``security_group``; ``public_ip``, ``ENABLED``
    or ``DISABLED``.

    It runs ``code`` (a folder or a zip, as resolved on this machine), or ``image``, the whole name of one. What it is told
    beside comes with each run, in the overrides of its environment.
    """

    code: Path | None
    image: Text | None
    handler: str
    cpu: int
    """1024 are one processor."""
    memory: int
    """MiB."""
    python: str
    architecture: str
    """``arm64`` or ``x86_64``."""
    launch: str
    """``FARGATE`` or ``EC2``."""
    cluster: str
    """The id of a cluster need."""
    capacity: str | None = None
    """The name of a capacity provider of the cluster."""
    network: str | None = None
    """The id of a network need; None: the network of the caller's cluster, or one that the stack makes."""
    private: bool = False
    """Whether it runs in the stack's network without a way to the Internet."""

    @property
    def refers_to(self) -> frozenset[str]:
        found = {hole.need for hole in self.image.holes} if self.image else set()
        return frozenset({*found, self.cluster, *filter(None, (self.network,))} - {"aws"})
