"""Signed identities: what a backend may send, and everything that somebody else might try."""

import asyncio
import base64
import hashlib
import hmac
import json
import math
import re
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from protostar.access.identity import subject_of
from protostar.errors import Forbidden, IdentityExpired

SPACE, OTHER = UUID(int=1), UUID(int=2)
SECRET, NOW = "is_secret", 1_800_000_000.0
GOOD = {"sub": "ann@example.com", "exp": NOW + 600}


def encoded(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(claims: Any = GOOD, *, secret: str = SECRET, digest: str = "sha256", **header: Any) -> str:
    head = f"{encoded({'alg': 'HS256', 'typ': 'JWT', **header})}.{encoded(claims)}"
    return f"{head}.{encoded(hmac.new(secret.encode(), head.encode(), getattr(hashlib, digest)).digest())}"


def subject(token: str) -> str:
    return subject_of(token, SECRET, SPACE, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        GOOD,
        {**GOOD, "aud": str(SPACE), "iat": NOW + 30, "nbf": NOW - 5, "name": "Ann"},
        {**GOOD, "aud": ["x", str(SPACE)]},
        {**GOOD, "exp": NOW - 30},  # within what clocks may differ
    ],
)
def test_a_signed_identity_names_a_person(claims: dict[str, Any]) -> None:
    assert subject(signed(claims)) == "ann@example.com"


def test_an_identity_is_verified_as_it_was_sent() -> None:
    """The header of RFC 7515, appendix A.1, has a line break in it."""
    header = b'{"typ":"JWT",\r\n "alg":"HS256"}'
    head = f"{encoded(header)}.{encoded(GOOD)}"
    assert subject(f"{head}.{encoded(hmac.new(SECRET.encode(), head.encode(), hashlib.sha256).digest())}") == "ann@example.com"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": "ann"}, "exp"),
        ({**GOOD, "exp": NOW - 61}, "expired"),
        ({**GOOD, "exp": NOW + 90_000}, "a day"),
        ({**GOOD, "exp": "9999999999"}, "no time"),
        ({**GOOD, "exp": True}, "no time"),
        ({**GOOD, "exp": math.nan}, "no time"),
        ({**GOOD, "exp": math.inf}, "no time"),
        ({**GOOD, "exp": 10**400}, "no time"),
        ({**GOOD, "iat": -(10**400)}, "no time"),
        ({**GOOD, "exp": None}, "exp"),
        ({**GOOD, "nbf": NOW + 61}, "not valid yet"),
        ({**GOOD, "iat": NOW + 61}, "not valid yet"),
        ({**GOOD, "aud": str(OTHER)}, "another space"),
        ({**GOOD, "aud": []}, "another space"),
        ({**GOOD, "aud": None}, "another space"),
        ({"exp": NOW + 600}, "sub"),
        ({**GOOD, "sub": ""}, "sub"),
        ({**GOOD, "sub": 7}, "sub"),
        ({**GOOD, "sub": "a" * 256}, "sub"),
        ({**GOOD, "sub": "\ud83d"}, "surrogate"),
        ([GOOD], "not a JWT"),
        (b"{", "not a JWT"),
        (b"[" * 2000, "not a JWT"),
    ],
)
def test_a_signature_does_not_make_up_for_wrong_claims(claims: Any, reason: str) -> None:
    with pytest.raises(Forbidden, match=reason):
        subject(signed(claims))


def test_one_that_has_run_out_is_told_from_a_wrong_one() -> None:
    with pytest.raises(IdentityExpired):
        subject(signed({**GOOD, "exp": NOW - 61}))


def test_the_algorithm_is_not_the_tokens_to_choose() -> None:
    for token in (
        signed(alg="none"),
        signed(alg="hs256"),
        signed(alg="HS512", digest="sha512"),
        signed(alg="RS256"),
        signed(crit=["exp"]),
    ):
        with pytest.raises(Forbidden, match="HS256"):
            subject(token)
    head, payload, _signature = signed(alg="none").split(".")
    with pytest.raises(Forbidden, match="HS256"):
        subject(f"{head}.{payload}.")


def test_nothing_can_be_changed_without_the_secret() -> None:
    head, payload, signature = signed().split(".")
    for token in (
        signed(secret="is_another"),
        f"{head}.{encoded({**GOOD, 'sub': 'boss'})}.{signature}",
        f"{encoded({'alg': 'HS256'})}.{payload}.{signature}",
        f"{head}.{payload}.",
        f"{head}.{payload}.{signature[:-4]}",
        f"{head}.{payload}.{signature}AAAA",
    ):
        with pytest.raises(Forbidden, match="not signed"):
            subject(token)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "é.é.é", "!.!.!", "A" * 5000, f"{'A' * 5000}.A.A"])
def test_what_is_no_jwt_is_refused(token: str) -> None:
    with pytest.raises(Forbidden):
        subject(token)


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
async def test_the_identity_that_the_documentation_makes_in_node_is_taken() -> None:
    text = (Path(__file__).parents[2] / "docs/embed.md").read_text(encoding="utf-8")
    (snippet,) = [block for block in re.findall(r"```js\n(.*?)```", text, re.DOTALL) if "createHmac" in block]
    script = f"{snippet}\nprocess.stdout.write(identity({json.dumps(SECRET)}, {json.dumps('앤 ann@example.com')}));"
    node = await asyncio.create_subprocess_exec("node", "--input-type=module", "-e", script, stdout=PIPE)
    token, _ = await node.communicate()
    assert node.returncode == 0
    assert subject_of(token.decode(), SECRET, SPACE) == subject(signed({**GOOD, "sub": "앤 ann@example.com"}))
