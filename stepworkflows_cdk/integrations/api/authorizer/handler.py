"""Tokens become permissions: whoever bears a JSON Web Token that the issuer signed for this API may call the trigger's path.

What a token has to be is what API Gateway's own authorizer asks of one, which REST APIs do not have:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html. Which keys are believed is said by
the issuer alone, at an address that is fixed at deployment; nothing in a token leads anywhere, and neither tokens nor what
they claim are ever logged.

A token that is missing or wrong is answered 401, one without the scope 403, and 500 where the issuer's keys cannot be had.
Given what a token authorizer is given, it answers with a policy that API Gateway keeps for the token:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = logging.getLogger(__name__)

_BEARER = re.compile(r"bearer ([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII | re.IGNORECASE)
_LONGEST = 10_240
"""Characters of a token: API Gateway takes no more of headers.
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"""
_SKEW = 30
"""Seconds by which the issuer's clock may differ from this one."""
_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})

_FRESH, _USABLE = 900, 7200
"""Seconds for which keys are used without asking, and where asking fails; API Gateway's own keeps them as long."""
_PAUSE = 30
"""Seconds between two requests to the issuer, so that tokens with made up keys do not become requests."""
_TIMEOUT = 3
_LARGEST = 512 * 1024
"""Seconds to wait for the issuer, and bytes that it may answer."""


class Unauthorized(Exception):
    """By this very text API Gateway knows that it has to answer 401."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class KeysUnavailable(Exception):
    """The issuer does not give its keys, so nobody can be let in; the token may be right."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    found = _BEARER.fullmatch(event.get("authorizationToken") or "")
    if found is None or len(found[1]) > _LONGEST:
        raise Unauthorized
    claims = _claims(found[1])
    wanted: list[str] = json.loads(os.environ["SCOPES"])
    return _policy(event["methodArn"], claims, allowed=not wanted or bool(_scopes(claims).intersection(wanted)))


def _claims(token: str) -> dict[str, Any]:
    """What a token says that the issuer signed, for this API and for now."""
    try:
        header = jwt.get_unverified_header(token)
        key = keys.find(header.get("kid"), header.get("alg"))
        if key is None:
            raise Unauthorized
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=sorted(key.algorithms),
            issuer=os.environ["ISSUER"],
            leeway=_SKEW,
            # The audience may be told otherwise, see below.
            options={"require": ["exp", "iss", "sub"], "verify_aud": False, "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        # Not even as its cause: what it says may quote the token.
        raise Unauthorized from None
    if not claims["sub"] or not _is_for_us(claims):
        raise Unauthorized
    return claims


def _is_for_us(claims: dict[str, Any]) -> bool:
    """By its audience; where it has none by the client that it was given to, as in access tokens of Cognito."""
    named = claims["aud"] if "aud" in claims else claims.get("client_id")
    audience: list[str] = json.loads(os.environ["AUDIENCE"])
    return any(each in audience for each in (named if isinstance(named, list) else [named]))


def _scopes(claims: dict[str, Any]) -> set[str]:
    """Issuers write them as a text with blanks or as a list."""
    found: set[str] = set()
    for value in (claims.get("scope"), claims.get("scp")):
        words = value.split(" ") if isinstance(value, str) else value
        found.update(word for word in (words if isinstance(words, list) else ()) if isinstance(word, str))
    return found


def _policy(method_arn: str, claims: dict[str, Any], *, allowed: bool) -> dict[str, Any]:
    """For all methods of the trigger, since API Gateway keeps the answer for each of them; and until when it holds, since it
    keeps it longer than that. Whose a token is, is said by issuer and subject together: others may have the same subject.
    """
    stage = "/".join(method_arn.split("/")[:2])
    place = os.environ["RESOURCE"]
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if allowed else "Deny",
        "Resource": [f"{stage}/*{place}", f"{stage}/*{place}/*"],
    }
    return {
        "principalId": f"{os.environ['ISSUER']}#{claims['sub']}",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"until": str(int(claims["exp"]) + _SKEW)},
    }


@dataclass(frozen=True)
class Key:
    """A key of the issuer's: its name, and the algorithms that it can be used with."""

    name: str
    algorithms: frozenset[str]
    public: RSAPublicKey | EllipticCurvePublicKey


class Keys:
    """The issuer's keys, kept between calls. Asked for anew when they are old, or when a token names one that is not there."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._fetched = self._asked = float("-inf")

    def find(self, name: object, algorithm: object) -> Key | None:
        """The key of that name, if it is one for that algorithm."""
        if time.time() - self._fetched >= _FRESH:
            self._ask()
        found = self._known(name, algorithm)
        if found is None:
            self._ask()
            found = self._known(name, algorithm)
        if time.time() - self._fetched >= _USABLE:
            raise KeysUnavailable
        return found

    def _known(self, name: object, algorithm: object) -> Key | None:
        return next((key for key in self._keys if key.name == name and algorithm in key.algorithms), None)

    def _ask(self) -> None:
        now = time.time()
        if now - self._asked < _PAUSE:
            return
        self._asked = now
        try:
            self._keys = _fetch()
            self._fetched = now
        except (OSError, http.client.HTTPException, ValueError, LookupError, RecursionError) as error:
            log.warning("the issuer's keys cannot be had: %s", type(error).__name__)


keys = Keys()


def _fetch() -> list[Key]:
    """The keys at the issuer's address."""
    listed = _json(os.environ["JWKS"] or _discovered())["keys"]
    found = [_key(each) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    usable = [key for key in found if key is not None]
    if not usable:
        raise ValueError("no keys")
    return usable


def _discovered() -> str:
    """Where the issuer says that its keys are: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig."""
    issuer = os.environ["ISSUER"]
    found = _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found["issuer"] != issuer:
        raise ValueError("another issuer")
    return str(found["jwks_uri"])


def _key(written: dict[str, Any]) -> Key | None:
    """A key that signs tokens and has a name to be found by. What it can be used with is said by what it is and, where it
    says so, by what it is for. The token's word is none of this: https://www.rfc-editor.org/rfc/rfc8725#section-3.1.
    Secret keys are none.
    """
    name, for_ = written.get("kid"), written.get("alg")
    if not isinstance(name, str) or not name or written.get("use", "sig") != "sig":
        return None
    try:
        public = jwt.PyJWK.from_dict(written).key
    except (jwt.PyJWTError, TypeError, ValueError, LookupError):
        return None  # of a kind that nobody here knows
    match public:
        case RSAPublicKey():
            possible = _RSA
        case EllipticCurvePublicKey(curve=SECP256R1()):
            possible = frozenset({"ES256"})
        case EllipticCurvePublicKey(curve=SECP384R1()):
            possible = frozenset({"ES384"})
        case _:
            return None
    algorithms = frozenset(each for each in possible if for_ in (None, each))
    return Key(name, algorithms, public) if algorithms else None


def _json(address: str) -> dict[str, Any]:
    """An object from the network: over TLS, from that very address and no other that it leads to, and no endless one."""
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("no https")
    # Some issuers stand behind firewalls that refuse whoever does not say what it is.
    headers = {"Accept": "application/json", "User-Agent": "stepworkflows-authorizer"}
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=_TIMEOUT)
    try:
        query = f"?{parts.query}" if parts.query else ""
        connection.request("GET", f"{parts.path or '/'}{query}", headers=headers)
        response = connection.getresponse()
        body = response.read(_LARGEST + 1)
    finally:
        connection.close()
    if response.status != http.client.OK or len(body) > _LARGEST:
        raise ValueError("no answer")
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
