"""The functions of JSONata that depend on the run or that Step Functions adds, takes away or that the library gets
wrong.

Added: ``$partition``, ``$range``, ``$hash``, ``$random`` with a seed, ``$uuid``, ``$parse``. Taken away: ``$eval``.
Bound to the run: ``$now`` and ``$millis`` tell its clock, ``$random``, ``$uuid`` and ``$shuffle`` draw from its random
numbers. Mended: ``$distinct`` (it told 1 from true by Python's rules and unwrapped lists of one), ``$sort`` (it turned
round what its function finds equal).

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable
from typing import Any

from stepworkflows_cdk.local.clock import Clock

__all__ = ["functions"]

_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_RANGE_LIMIT = 1_000_000


def functions(clock: Clock, rng: random.Random) -> dict[str, Any]:
    """Name -> function, ready to be bound to an expression's environment; None hides the library's own."""
    import jsonata

    null = jsonata.Utils.NULL_VALUE

    def millis() -> int:
        return round(clock.now().timestamp() * 1000)

    def now(picture: str | None = None, timezone: str | None = None) -> Any:
        return jsonata.Functions.datetime_from_millis(millis(), picture, timezone)

    def draw(seed: float | None = None) -> float:
        # A seed gives the same number each time; not the number that Step Functions would give for it.
        return rng.random() if seed is None else random.Random(seed).random()

    def unique() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    def shuffle(values: list[Any] | None) -> list[Any] | None:
        return values if values is None else rng.sample(list(values), len(values))

    def parse(text: str | None) -> Any:
        return None if text is None else _nulls(json.loads(text), null)

    def distinct(values: Any) -> Any:
        if not isinstance(values, list):
            return values
        found: list[Any] = jsonata.Utils.create_sequence() if jsonata.Utils.is_sequence(values) else []
        for value in values:
            if not any(jsonata.Utils.is_deep_equal(value, other) for other in found):
                found.append(value)
        return found

    def sort(values: list[Any] | None, after: Any = None) -> list[Any] | None:
        if values is None or after is None:
            return jsonata.Functions.sort(values, None)  # type: ignore[no-any-return]

        def compare(left: Any, right: Any) -> int:
            tell = jsonata.Functions.func_apply
            return 1 if tell(after, [left, right]) else -1 if tell(after, [right, left]) else 0

        return sorted(values, key=functools.cmp_to_key(compare))

    def native(function: Callable[..., Any], signature: str) -> Any:
        return jsonata.Jsonata.JFunction(jsonata.Jsonata.JLambda(function), signature)

    return {
        "distinct": native(distinct, "<x:x>"),
        "eval": None,
        "hash": native(_hash, "<ss:s>"),
        "millis": native(millis, "<:n>"),
        "now": native(now, "<s?s?:s>"),
        "parse": native(parse, "<s:x>"),
        "partition": native(_partition, "<an:a>"),
        "random": native(draw, "<n?:n>"),
        "range": native(_range, "<nnn:a>"),
        "shuffle": native(shuffle, "<a:a>"),
        "sort": native(sort, "<af?:a>"),
        "uuid": native(unique, "<:s>"),
    }


def _partition(values: list[Any] | None, size: float | None) -> list[list[Any]] | None:
    if values is None or size is None:
        return None
    if size < 1 or int(size) != size:
        raise ValueError(f"the second argument of function $partition must be a positive whole number, not {size}")
    items = list(values)
    return [items[start : start + int(size)] for start in range(0, len(items), int(size))]


def _range(first: float | None, last: float | None, step: float | None) -> list[float] | None:
    if first is None or last is None or step is None:
        return None
    if step == 0:
        raise ValueError("the third argument of function $range must not be 0")
    count = max(0, math.floor((last - first) / step) + 1)
    if count > _RANGE_LIMIT:
        raise ValueError(f"function $range would give {count} numbers; at most {_RANGE_LIMIT} are possible")
    return [first + index * step for index in range(count)]


def _hash(data: str | None, algorithm: str | None) -> str | None:
    if data is None or algorithm is None:
        return None
    if algorithm not in _HASHES:
        raise ValueError(f"unknown algorithm '{algorithm}' of function $hash; known: {', '.join(_HASHES)}")
    return hashlib.new(_HASHES[algorithm], data.encode(), usedforsecurity=False).hexdigest()


def _nulls(value: Any, null: Any) -> Any:
    if value is None:
        return null
    if isinstance(value, dict):
        return {key: _nulls(item, null) for key, item in value.items()}
    return [_nulls(item, null) for item in value] if isinstance(value, list) else value
