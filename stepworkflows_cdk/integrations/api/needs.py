"""What starts a flow by an API: a path of the stack's API, and whoever it asks who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stepworkflows_cdk.compiler.plan import Need

__all__ = ["AddressNeed", "AnswerPathNeed", "ApiNeed", "AuthorizerNeed", "UserPoolNeed"]


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


@dataclass(frozen=True, kw_only=True)
class AnswerPathNeed(Need):
    """A path of the stack's API by which steps that wait are answered. It has a role of its own, which calls the function."""

    path: str
    """Such as ``/orders/confirmed``; ``{id}`` in it is a part that may be anything."""
    methods: tuple[str, ...]
    auth: Literal["iam", "cognito", "function", "open"]
    """``open``: whoever knows what to send may."""
    authorizer: str | None
    """The id of the need that says who is calling."""
    function: str
    rate: int
    """Requests a second that each method takes."""
    burst: int
    """Requests at once that each method takes."""

    @property
    def refers_to(self) -> frozenset[str]:
        return frozenset({self.function, *([self.authorizer] if self.authorizer else [])})


@dataclass(frozen=True, kw_only=True)
class AddressNeed(Need):
    """The address of the stack's API. Attributes for holes: ``url``, which ends in the stage.

    It refers to nothing, so that functions may know the address of an API that calls them.
    """
