"""What a step that sends messages needs: a queue, or a topic."""

from __future__ import annotations

from dataclasses import dataclass

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["QueueNeed", "TopicNeed"]


@dataclass(frozen=True, kw_only=True)
class QueueNeed(Need):
    """An SQS queue with a queue for dead letters behind it. Attributes for holes: ``url`` and ``arn``."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""
    fifo: bool
    keep: int
    """Seconds for which a message is kept that nobody takes."""
    timeout: int
    """Seconds that whoever takes a message has for it, before it is there for others again."""
    tries: int
    """How often a message is taken before it is a dead letter."""


@dataclass(frozen=True, kw_only=True)
class TopicNeed(Need):
    """An SNS topic. Attributes for holes: ``arn``."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""
    fifo: bool
