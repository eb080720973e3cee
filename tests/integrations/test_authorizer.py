"""The authorizer of tokens before an issuer on this machine: whom it lets in, and what every forger tries."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import time_machine
from issuer import EC, RSA, Issuer, jwk, pem, running, secret_signed, written

from stepworkflows_cdk import Definition, compile_workflow
from stepworkflows_cdk.integrations.lambda_.needs import FunctionNeed

DOCUMENT = """
name: shop
inputs: {order_id: string}
triggers: {api: {path: /orders, auth: {jwt: {issuer: ISSUER, audience: [orders, desk]MORE}}}}
steps: [{id: a, outputs: {x: 1}}]
"""
METHOD = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/live/GET/orders/o-1"
STAGE = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/live"

Load = Callable[..., ModuleType]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with running(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def issuer(server: Issuer, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    server.answers.clear()
    server.asked.clear()
    server.offer(jwk(RSA["main"]), jwk(EC["ES256"], "p-256"), jwk(EC["ES384"], "p-384"), jwk(RSA["weak"], "weak"))
    return server


@pytest.fixture
def load(issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """The handler as a function that has just started has it."""

    def loaded(more: str = "", address: str | None = None) -> ModuleType:
        need = authorizer(tmp_path, address or issuer.address, more)
        for name, value in variables(need).items():
            monkeypatch.setenv(name, value)
        return module(need)

    return loaded


def authorizer(folder: Path, address: str, more: str = "") -> FunctionNeed:
    """What the plan makes of the document: the function's code, with its variables."""
    path = folder / "workflow.yaml"
    path.write_text(DOCUMENT.replace("ISSUER", json.dumps(address)).replace("MORE", more), encoding="utf-8")
    needs = compile_workflow(Definition.load(path)).needs
    return next(need for need in needs if isinstance(need, FunctionNeed) and need.id.endswith("-authorizer"))


def variables(need: FunctionNeed) -> dict[str, str]:
    return {name: text.fill(lambda hole: pytest.fail(str(hole))) for name, text in need.env}


def module(need: FunctionNeed) -> ModuleType:
    assert need.code
    spec = importlib.util.spec_from_file_location("authorizer_handler", need.code / "handler.py")
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found  # dataclasses look their module up
    spec.loader.exec_module(found)
    return found


def ask(handler: ModuleType, token: str, scheme: str = "Bearer ") -> dict[str, Any]:
    event = {"type": "TOKEN", "methodArn": METHOD, "authorizationToken": f"{scheme}{token}"}
    answer: dict[str, Any] = handler.handler(event, None)
    return answer


def effect(answer: Mapping[str, Any]) -> str:
    (statement,) = answer["policyDocument"]["Statement"]
    return str(statement["Effect"])


def refused(handler: ModuleType, token: str, scheme: str = "Bearer ") -> bool:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z") as caught:
        ask(handler, token, scheme)
    return caught.value.__cause__ is None and type(caught.value).__name__ == "Unauthorized"


def test_a_token_of_the_issuer_may_call_the_path_until_it_expires(load: Load, issuer: Issuer) -> None:
    with time_machine.travel(1_800_000_000, tick=False):
        answer = ask(load(), issuer.token(exp=1_800_000_600, email="a@example.com"))
    assert answer == {
        "principalId": f"{issuer.address}#alice",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": [f"{STAGE}/*/orders", f"{STAGE}/*/orders/*"],
                }
            ],
        },
        "context": {"until": "1800000630"},
    }


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_rsa_signs(load: Load, issuer: Issuer, algorithm: str) -> None:
    assert effect(ask(load(), issuer.token(algorithm=algorithm))) == "Allow"


@pytest.mark.parametrize(("algorithm", "name"), [("ES256", "p-256"), ("ES384", "p-384")])
def test_ecdsa_signs(load: Load, issuer: Issuer, algorithm: str, name: str) -> None:
    assert effect(ask(load(), issuer.token(EC[algorithm], algorithm, {"kid": name}))) == "Allow"


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER "])
def test_the_scheme_is_written_in_any_case(load: Load, issuer: Issuer, scheme: str) -> None:
    assert effect(ask(load(), issuer.token(), scheme)) == "Allow"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other", "desk"]},
        {"aud": None, "client_id": "desk"},
        {"aud": "orders", "client_id": "other"},
        {"nbf": 0, "iat": None},
        {"exp": "1999999999"},
    ],
)
def test_other_right_claims(load: Load, issuer: Issuer, claims: dict[str, Any]) -> None:
    assert effect(ask(load(), issuer.token(**claims))) == "Allow"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None},
        {"iss": "https://evil.example.com"},
        {"iss": "ISSUER/"},
        {"iss": ["ISSUER"]},
        {"iss": {"ISSUER": 1}},
        {"aud": None},
        {"aud": "order"},
        {"aud": "other", "client_id": "orders"},
        {"aud": [], "client_id": "orders"},
        {"aud": [["orders"], None, 5]},
        {"aud": {"orders": True}},
        {"aud": None, "client_id": ["other"]},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"exp": True},
        {"exp": [4_000_000_000]},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 17},
        {"sub": ["alice"]},
        {"sub": {"a": "alice"}},
    ],
    ids=json.dumps,
)
def test_wrong_claims_are_refused_though_the_issuer_signed_them(
    load: Load, issuer: Issuer, claims: dict[str, Any]
) -> None:
    said = json.loads(json.dumps(claims).replace("ISSUER", issuer.address))
    kept = {"iss": issuer.address, "aud": "orders", "sub": "alice", "exp": 1_999_999_999, **said}
    assert refused(load(), issuer.token(**kept))


def test_clocks_may_differ_a_little(load: Load, issuer: Issuer) -> None:
    handler = load()
    with time_machine.travel(1_800_000_000, tick=False):
        early = issuer.token(iat=1_800_000_020, nbf=1_800_000_020)
        assert effect(ask(handler, early)) == effect(ask(handler, issuer.token(exp=1_799_999_980))) == "Allow"
        assert refused(handler, issuer.token(exp=1_799_999_960))
        assert refused(handler, issuer.token(nbf=1_800_000_040))


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": None},
        {"kid": "none-such"},
        {"kid": "../../../dev/null"},
        {"kid": "https://evil.example.com/keys"},
        {"kid": "' UNION SELECT 'x"},
        {"kid": ""},
        {"crit": ["exp"]},
        {"crit": []},
    ],
    ids=str,
)
def test_headers_lead_to_no_other_key(load: Load, issuer: Issuer, headers: dict[str, Any]) -> None:
    assert refused(load(), issuer.token(headers=headers))
    assert set(issuer.asked) <= {"/.well-known/openid-configuration", "/keys"}


def test_keys_that_a_token_brings_along_are_not_looked_at(load: Load, issuer: Issuer) -> None:
    issuer.answers["/evil"] = {"keys": [jwk(RSA["other"])]}
    evil = f"{issuer.address}/evil"
    for brought in ({"jku": evil}, {"x5u": evil}, {"jwk": jwk(RSA["other"])}):
        assert refused(load(), issuer.token(RSA["other"], headers=brought))
        assert effect(ask(load(), issuer.token(headers=brought))) == "Allow"
    assert "/evil" not in issuer.asked


@pytest.mark.parametrize("secret", [pem(RSA["main"]), pem(RSA["main"]).strip(), jwk(RSA["main"])["n"].encode(), b""])
@pytest.mark.parametrize(
    "algorithm", ["HS256", "RS256", "none", "", None, ["RS256"], 5, {"RS256": 1}, "rs256", "HS512"]
)
def test_what_everybody_knows_is_no_signature(load: Load, issuer: Issuer, secret: bytes, algorithm: Any) -> None:
    claims = {"iss": issuer.address, "aud": "orders", "sub": "alice", "exp": 4_000_000_000}
    assert refused(load(), secret_signed({"alg": algorithm, "kid": "main"}, claims, secret))


@pytest.mark.parametrize("algorithm", ["none", "NONE", "RS256", "ES256"])
def test_nothing_is_no_signature(load: Load, issuer: Issuer, algorithm: str) -> None:
    claims = {"iss": issuer.address, "aud": "orders", "sub": "alice", "exp": 4_000_000_000}
    for name in ("main", "p-256"):
        header = {"alg": algorithm, "kid": name}
        assert refused(load(), written(header, claims, b""))
        assert refused(load(), written(header, claims, bytes(64)))  # r = s = 0
        assert refused(load(), f"{written(header, claims).rpartition('.')[0]}.")


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    ("key", "algorithm", "name"),
    [
        (RSA["other"], "RS256", "main"),
        (RSA["other"], "PS256", "main"),
        (RSA["main"], "RS256", "p-256"),
        (EC["ES256"], "ES256", "main"),
        (EC["ES256"], "ES256", "p-384"),
        (EC["ES384"], "ES384", "p-256"),
        (RSA["weak"], "RS256", "weak"),
    ],
)
def test_another_key_does_not_sign(load: Load, issuer: Issuer, key: Any, algorithm: str, name: str) -> None:
    assert refused(load(), issuer.token(key, algorithm, {"kid": name}))


@pytest.mark.parametrize(
    "published",
    [
        jwk(RSA["main"], use="enc"),
        jwk(RSA["main"], alg="RS512"),
        jwk(RSA["main"], alg="RSA-OAEP"),
        jwk(RSA["main"], alg="HS256"),
        jwk(RSA["main"], alg=["RS256"]),
        jwk(RSA["main"], alg=5),
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "kid": "main", "use": "sig"},
        {"kty": "RSA", "kid": "main"},
        {"kty": ["RSA"], "kid": "main"},
        {**jwk(RSA["main"]), "kid": 5},
        "main",
        None,
    ],
    ids=[
        *(
            "for encryption",
            "of RS512",
            "of RSA-OAEP",
            "of HS256",
            "of a list",
            "of a number",
            "a secret",
            "without parts",
        ),
        *("of listed kinds", "with a number for a name", "a text", "nothing"),
    ],
)
def test_a_key_for_something_else_does_not_sign(load: Load, issuer: Issuer, published: Any) -> None:
    issuer.offer(published, jwk(EC["ES256"], "p-256"))
    handler = load()
    assert refused(handler, issuer.token())
    claims = {"iss": issuer.address, "aud": "orders", "sub": "alice", "exp": 4_000_000_000}
    assert refused(handler, secret_signed({"alg": "HS256", "kid": "main"}, claims, b"secret-secret-secret-secret"))
    assert effect(ask(handler, issuer.token(EC["ES256"], "ES256", {"kid": "p-256"}))) == "Allow"


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c.d", "..", "a..c", "a.b.c d", "a.b.ü", "a.b.c\n", "a.b=.c"])
def test_what_is_no_token_is_refused_before_anybody_is_asked(load: Load, issuer: Issuer, token: str) -> None:
    assert refused(load(), token)
    assert issuer.asked == []


@pytest.mark.parametrize("scheme", ["", "Basic ", "Bearer  ", "Bearer\t", "Bearer", "xBearer "])
def test_another_scheme_is_refused(load: Load, issuer: Issuer, scheme: str) -> None:
    assert refused(load(), issuer.token(), scheme)


@pytest.mark.parametrize("given", [{}, {"authorizationToken": None}, {"authorizationToken": ""}])
def test_no_token_is_refused(load: Load, given: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        load().handler({"methodArn": METHOD, **given}, None)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (b"[" * 4000, {}),
        ({"alg": "RS256", "kid": "main"}, b"[" * 4000),
        (b'{"a":' * 1000, {}),
        (b"\xff\xfe", {}),
        (b"[]", {}),
        ({"alg": "RS256", "kid": "main"}, b"\xff"),
        ({"alg": "RS256", "kid": "x" * 7000}, {}),
        ({"alg": "RS256", "kid": "main", "b64": False, "crit": ["b64"]}, {}),
    ],
)
def test_nonsense_is_refused(load: Load, header: Any, claims: Any) -> None:
    assert refused(load(), written(header, claims))


def test_a_long_token_is_refused_before_it_is_read(load: Load, issuer: Issuer) -> None:
    assert effect(ask(load(), issuer.token(filler="x" * 7_000))) == "Allow"
    assert refused(load(), issuer.token(filler="x" * 10_240))


def test_a_token_that_was_changed_anywhere_is_refused(load: Load, issuer: Issuer) -> None:
    handler, token = load(), issuer.token(EC["ES256"], "ES256", {"kid": "p-256"})
    places = random.Random(1)
    for _ in range(200):
        place = places.randrange(len(token))
        changed = "A" if token[place] != "A" else "B"
        assert refused(handler, f"{token[:place]}{changed}{token[place + 1 :]}")
    assert effect(ask(handler, token)) == "Allow"


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"scope": "orders/write"}, "Allow"),
        ({"scope": "openid admin email"}, "Allow"),
        ({"scp": ["openid", "admin"]}, "Allow"),
        ({"scp": "admin"}, "Allow"),
        ({"scope": "openid", "scp": ["admin"]}, "Allow"),
        ({}, "Deny"),
        ({"scope": ""}, "Deny"),
        ({"scope": "orders/writer orders/*"}, "Deny"),
        ({"scope": "Admin"}, "Deny"),
        ({"scope": {"admin": True}}, "Deny"),
        ({"scp": [["admin"], 5, None]}, "Deny"),
        ({"roles": ["admin"]}, "Deny"),
    ],
)
def test_one_of_the_scopes_is_asked_for(load: Load, issuer: Issuer, claims: dict[str, Any], found: str) -> None:
    handler = load(", scopes: [orders/write, admin]")
    assert effect(ask(handler, issuer.token(**claims))) == found
    assert refused(handler, issuer.token(**claims, aud="other"))


def test_keys_are_asked_for_once(load: Load, issuer: Issuer) -> None:
    handler = load()
    for _ in range(3):
        ask(handler, issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_the_address_of_the_keys_may_be_given(load: Load, issuer: Issuer) -> None:
    issuer.answers["/own?v=1"] = issuer.answers.pop("/keys")
    handler = load(f", jwks: '{issuer.address}/own?v=1'")
    assert effect(ask(handler, issuer.token())) == "Allow"
    assert issuer.asked == ["/own?v=1"]


def test_an_issuer_may_end_with_a_slash_or_have_a_path(load: Load, issuer: Issuer) -> None:
    for path, at in (("/", ""), ("/tenant", "/tenant"), ("/tenant/", "/tenant")):
        own = f"{issuer.address}{path}"
        issuer.answers[f"{at}/.well-known/openid-configuration"] = {
            "issuer": own,
            "jwks_uri": f"{issuer.address}/keys",
        }
        assert effect(ask(load(address=own), issuer.token(iss=own))) == "Allow"


def test_a_new_key_is_found_and_made_up_ones_are_not_asked_for_each_time(load: Load, issuer: Issuer) -> None:
    handler = load()
    with time_machine.travel(1_800_000_000, tick=False) as now:
        ask(handler, issuer.token())
        issuer.offer(jwk(RSA["main"]), jwk(RSA["other"], "new"))
        new = issuer.token(RSA["other"], headers={"kid": "new"})
        issuer.asked.clear()
        assert refused(handler, new)
        assert issuer.asked == []
        now.shift(31)
        assert effect(ask(handler, new)) == "Allow"
        assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
        for number in range(20):
            assert refused(handler, issuer.token(headers={"kid": f"made-up-{number}"}))
        assert len(issuer.asked) == 2
        assert effect(ask(handler, issuer.token())) == "Allow"


def test_a_key_that_was_taken_back_is_gone_soon(load: Load, issuer: Issuer) -> None:
    handler = load()
    with time_machine.travel(1_800_000_000, tick=False) as now:
        ask(handler, issuer.token())
        issuer.offer(jwk(RSA["other"]))
        now.shift(901)
        assert refused(handler, issuer.token())


def test_keys_outlast_a_short_absence_of_the_issuer(
    load: Load, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    handler = load()
    with time_machine.travel(1_800_000_000, tick=False) as now:
        ask(handler, issuer.token())
        issuer.answers.clear()
        now.shift(901)
        assert effect(ask(handler, issuer.token())) == "Allow"
        asked = len(issuer.asked)
        ask(handler, issuer.token())
        assert len(issuer.asked) == asked
        now.shift(6300)
        with pytest.raises(Exception, match=r"\A\Z") as caught:
            ask(handler, issuer.token())
        assert type(caught.value).__name__ == "KeysUnavailable"
        issuer.offer(jwk(RSA["main"]))
        now.shift(31)
        assert effect(ask(handler, issuer.token())) == "Allow"
    assert {record.getMessage() for record in caplog.records} == {"the issuer's keys cannot be had: ValueError"}


CONFIGURATION = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (CONFIGURATION, {"issuer": "https://evil.example.com", "jwks_uri": "HERE/keys"}),
        (CONFIGURATION, {"issuer": "HERE/", "jwks_uri": "HERE/keys"}),
        (CONFIGURATION, {"jwks_uri": "HERE/keys"}),
        (CONFIGURATION, {"issuer": "HERE"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "http://localhost/keys"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "PLAIN/keys"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "file:///etc/passwd"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "http://169.254.170.2/v2/credentials"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": ["HERE/keys"]}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "https://localhost:99999/keys"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "https://localhost:1/keys"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "https://[::1/keys"}),
        (CONFIGURATION, {"issuer": "HERE", "jwks_uri": "HERE/keys\r\nHost: evil"}),
        (CONFIGURATION, (302, {"Location": "/moved"}, b"")),
        (CONFIGURATION, (500, {}, b"{}")),
        (CONFIGURATION, []),
        (CONFIGURATION, (200, {}, b"<html>")),
        (CONFIGURATION, (200, {}, b"\xff")),
        ("/keys", (302, {"Location": "/moved"}, b"")),
        ("/keys", (200, {}, json.dumps({"keys": [jwk(RSA["main"])]}).encode() + b" " * 600_000)),
        ("/keys", (200, {}, b"[" * 100_000)),
        ("/keys", {}),
        ("/keys", {"keys": []}),
        ("/keys", {"keys": {"main": 1}}),
        ("/keys", {"keys": [jwk(RSA["main"], use="enc")]}),
    ],
)
def test_an_issuer_that_does_not_give_its_keys_lets_nobody_in(
    load: Load, issuer: Issuer, path: str, answer: Any
) -> None:
    issuer.answers["/moved"] = issuer.answers[path]
    issuer.answers[path] = answer if isinstance(answer, tuple) else _filled(answer, issuer.address)
    handler = load()
    for _ in range(2):
        with pytest.raises(Exception, match=r"\A\Z") as caught:
            ask(handler, issuer.token())
        assert type(caught.value).__name__ == "KeysUnavailable"
    assert len(issuer.asked) <= 2
    assert "/moved" not in issuer.asked


def _filled(answer: Any, here: str) -> Any:
    return json.loads(json.dumps(answer).replace("HERE", here).replace("PLAIN", here.replace("https", "http")))


def test_an_issuer_that_is_somebody_else_lets_nobody_in(
    load: Load, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running(tmp_path) as other:
        other.offer(jwk(RSA["main"]))
        handler = load(address=other.address)
        # Its certificate is not one that this machine trusts.
        with pytest.raises(Exception, match=r"\A\Z"):
            ask(handler, other.token())
        assert other.asked == []


def test_the_log_says_nothing_of_tokens(issuer: Issuer, tmp_path: Path) -> None:
    """As a process of its own, told what went wrong as Lambda tells it."""
    need = authorizer(tmp_path, issuer.address, ", scopes: [admin]")
    tokens = [
        issuer.token(sub="canary-subject", scope="canary-scope"),
        issuer.token(sub="canary-subject", aud="canary-audience"),
        issuer.token(headers={"kid": "canary-key"}),
        issuer.token(iss="https://canary-issuer.example.com"),
        issuer.token(exp="canary-time"),
        "canary-header.canary-claims.canary-signature",
    ]
    program = (
        "import json, logging, sys, traceback\nlogging.basicConfig(level='DEBUG')\nimport handler\n"
        "for token in json.load(sys.stdin):\n"
        f"    try: handler.handler({{'methodArn': {METHOD!r}, 'authorizationToken': 'Bearer ' + token}}, None)\n"
        "    except Exception: traceback.print_exc()\n    else: print('answered')\n"
    )
    told = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(issuer.certificate), **variables(need)}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=need.code,
        env={**told, "PYTHONDONTWRITEBYTECODE": "1"},
        input=json.dumps(tokens),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout == "answered\n"
    assert ran.stderr.count("handler.Unauthorized: Unauthorized") == len(tokens) - 1
    assert "During handling" not in ran.stderr
    said = ran.stdout + ran.stderr
    assert "canary" not in said
    assert not any(part in said for token in tokens for part in token.split("."))
