"""What starts a flow by an API: a path of the stack's API, and whoever it asks who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["ApiNeed", "AuthorizerNeed", "UserPoolNeed"]


@dataclass(frozen=True, kw_only=True)
class UserPoolNeed(Need):
    """A user pool of the caller's. Attributes for holes: ``id`` and ``arn``."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""


@dataclass(frozen=True, kw_only=True)
class AuthorizerNeed(Need):
    """A function of the caller's that says who is calling. Attributes for holes: ``arn``."""

    name: str
    """The name under ``resources`` in the document, which the caller injects by."""


@dataclass(frozen=True, kw_only=True)
class ApiNeed(Need):
    """A path of the stack's API, whose requests a function answers. It has a role of its own, which calls the functions."""

    path: str
    """Such as ``/orders``; ``/orders/{id}`` belongs to it."""
    auth: Literal["iam", "cognito", "function", "jwt"]
    authorizer: str | None
    """The id of the need that says who is calling: a user pool, a function of the caller's, for tokens one of ours."""
    function: str
    """The id of the front door's need."""
    schema: str
    """What a body must be, as JSON Schema draft 4."""
    rate: int
    """Requests a second that each method takes."""
    burst: int
    """Requests at once that each method takes."""
    cancel: bool
    """Whether ``DELETE`` is answered."""
    cors: tuple[str, ...]
    """Origins whose pages may call it."""

    @property
    def refers_to(self) -> frozenset[str]:
        return frozenset({self.function, *([self.authorizer] if self.authorizer else [])})
