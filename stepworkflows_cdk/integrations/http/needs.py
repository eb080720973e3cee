"""What a step that calls an API needs: a connection, which holds the credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["ConnectionNeed", "Credentials"]


@dataclass(frozen=True)
class Credentials:
    """How a connection says who calls. ``secret`` is the id of the need of the secret with the key or password, ``field``
    the name in it where it holds JSON.

    ``who`` is the name of the header for an API key, the user for ``basic``, the client's id for ``oauth``; the rest is
    for ``oauth``.
    """

    kind: Literal["api-key", "basic", "oauth"]
    who: str
    secret: str
    field: str | None
    url: str = ""
    method: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConnectionNeed(Need):
    """An EventBridge connection. Attributes for holes: ``arn`` and ``secret_arn``, of the secret that EventBridge makes.

    ``credentials`` are None where the caller has to pass one.
    """

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""
    credentials: Credentials | None
    revision: int

    @property
    def refers_to(self) -> frozenset[str]:
        return frozenset({self.credentials.secret} if self.credentials else ())
