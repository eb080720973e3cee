"""The shop's payment key: the ARN of a secret becomes the keys that sign ledger entries.

The value is read when it is used and kept for five minutes at most, so that a rotated key reaches a warm container.
What was signed before the rotation stays valid for as long as Secrets Manager keeps the previous version.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from service import call

KEEP = 300.0
"""Seconds for which a value is kept."""


class Keyring:
    """The keys in one secret: its current version and the previous one.

    The secret is a plain string, or a JSON object with the key under ``key``.
    """

    def __init__(self, client: Any, arn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._arn = arn
        self._clock = clock
        self._kept: tuple[float, bytes] | None = None

    def current(self) -> bytes:
        """The key to sign with, as it was within the last five minutes."""
        now = self._clock()
        if self._kept is None or now - self._kept[0] >= KEEP:
            self._kept = (now, self._read("AWSCURRENT"))
        return self._kept[1]

    def trusted(self) -> Iterator[bytes]:
        """The keys that a signature may come from, most likely first. A key is read when it is asked for."""
        yield self.current()
        self._kept = None  # it may have been rotated since it was read
        yield self.current()
        try:
            yield self._read("AWSPREVIOUS")
        except self._client.exceptions.ResourceNotFoundException:
            return

    def _read(self, stage: str) -> bytes:
        answer = call(self._client.get_secret_value, SecretId=self._arn, VersionStage=stage)
        return _key(answer.get("SecretString", ""))


def sign(key: bytes, *values: str | int) -> str:
    """HMAC-SHA256 over the values, in hexadecimal. JSON keeps them apart, so ``("ab", "c")`` is not ``("a", "bc")``."""
    return hmac.new(key, json.dumps(values).encode(), hashlib.sha256).hexdigest()


def _key(secret: str) -> bytes:
    try:
        parsed = json.loads(secret)
    except ValueError:
        parsed = None
    key = parsed.get("key") if isinstance(parsed, dict) else secret
    if not isinstance(key, str) or not key:
        raise ValueError("the payment secret holds neither a key nor a JSON object with one under 'key'")
    return key.encode()
