"""The limits of Step Functions that a run keeps:
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["DISTRIBUTED_CONCURRENCY", "EVENTS", "INLINE_CONCURRENCY", "PAYLOAD", "VARIABLES", "payload_size"]

PAYLOAD = 262_144
"""Bytes of the input or output of a state or task, of one variable, and of all that one Assign sets."""
VARIABLES = 10 * 1024 * 1024
"""Bytes of all variables of an execution."""
EVENTS = 25_000
"""Events in the history of a Standard execution."""
DISTRIBUTED_CONCURRENCY = 10_000
"""Executions of a distributed Map that run at once."""
INLINE_CONCURRENCY = 40
"""Iterations of an inline Map that run at once."""


def payload_size(value: Any) -> int:
    """Bytes of ``value`` as JSON in UTF-8."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
