"""Whose a token is: those in a file, and those that an OpenID provider has signed."""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import trio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from actors import link_messages as link
from actors.errors import SettingsError
from tests.gateway.gateways import connected, gateway, introduce
from tests.gateway.issuing import AUDIENCE, Issuer, issuing
from voicemode.gateway import issuer as issuer_module
from voicemode.gateway.issuer import IssuerTokens
from voicemode.gateway.tokens import CannotVerify, FirstOf, Identity, StaticTokens, TokenRefused, new_token

ADA = "0123456789abcdef-ada"


def written(folder: Path, content: str, mode: int = 0o600) -> Path:
    file = folder / "tokens"
    file.write_text(content)
    file.chmod(mode)
    return file


async def test_a_file_has_a_token_its_account_and_perhaps_a_name_in_each_line(tmp_path: Path) -> None:
    known = StaticTokens.read(written(tmp_path, f"# mine\n\n{ADA} ada Ada L.\n{ADA}2 bob\n"))
    assert await known.verify(ADA) == Identity(account="ada", name="Ada L.")
    assert await known.verify(f"{ADA}2") == Identity(account="bob")
    with pytest.raises(TokenRefused):
        await known.verify(f"{ADA}3")
    assert ADA not in repr(known)


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [
        (f"{ADA} ada\n", 0o640, "chmod 600"),
        ("short ada\n", 0o600, "Line 1 of"),
        (f"{ADA}\n", 0o600, "with an account behind it"),
        (f"{ADA} ada\n{ADA} bob\n", 0o600, "Line 2 of .* has a token that stands above already"),
        ("# nothing\n", 0o600, "There is no token"),
    ],
)
def test_a_file_that_is_not_right_is_refused(tmp_path: Path, content: str, mode: int, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as refused:
        StaticTokens.read(written(tmp_path, content, mode))
    assert ADA not in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        StaticTokens.read(tmp_path / "none")


def test_no_two_new_tokens_are_the_same() -> None:
    assert len({new_token() for _ in range(100)}) == 100


async def test_a_token_of_the_issuer_is_its_subjects() -> None:
    async with issuing() as issuer:
        issuer.add("two", "RS256")
        verifier = IssuerTokens(issuer.url, AUDIENCE)
        identity = await verifier.verify(issuer.sign())
        assert (identity.account, identity.name) == ("ada", "Ada")
        assert identity.expires == pytest.approx(time.time() + 60 + issuer_module.LEEWAY, abs=5)
        assert (await verifier.verify(issuer.sign("two", "RS256", sub="bob", name=None))).account == "bob"
        assert issuer.asked == ["/.well-known/openid-configuration", "/jwks?v=1"]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": time.time() - 60}, "SESSION_EXPIRED"),
        ({"exp": None}, "INVALID_TOKEN"),
        ({"nbf": time.time() + 3600}, "INVALID_TOKEN"),
        ({"iss": "https://another.example"}, "INVALID_TOKEN"),
        ({"aud": "https://another.example"}, "INVALID_TOKEN"),
        ({"aud": None}, "INVALID_TOKEN"),
        ({"sub": None}, "INVALID_TOKEN"),
        ({"sub": ""}, "INVALID_TOKEN"),
    ],
)
async def test_a_token_that_is_not_for_here_or_not_for_now_is_refused(claims: dict[str, Any], code: str) -> None:
    async with issuing() as issuer:
        with pytest.raises(TokenRefused) as refused:
            await IssuerTokens(issuer.url, AUDIENCE).verify(issuer.sign(**claims))
        assert refused.value.code == code


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(issuer: Issuer) -> list[str]:
    claims = {"iss": issuer.name, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 60}
    public = issuer.keys["one"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    thief = Issuer(name=issuer.name)
    thief.add("one")
    head, _, signature = issuer.sign().split(".")
    other = issuer.sign(sub="bob").split(".")[1]
    # signed with the public key, taken for a secret, which PyJWT would not even make
    signed = ".".join(coded(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "one"}, claims))
    by_hand = f"{signed}.{coded(hmac.digest(public, signed.encode(), 'sha256'))}"
    return [
        thief.sign(),
        jwt.encode(claims, None, algorithm="none", headers={"kid": "one"}),
        jwt.encode(claims, public.hex(), algorithm="HS256", headers={"kid": "one"}),
        by_hand,
        f"{head}.{other}.{signature}",
        "a.b.c",
        "not a token",
    ]


async def test_no_forged_token_is_believed() -> None:
    async with issuing() as issuer:
        issuer.extra.append({"kty": "oct", "k": "c2VjcmV0", "kid": "secret"})
        issuer.extra.append({"kty": "strange", "kid": "strange"})
        verifier = IssuerTokens(issuer.url, AUDIENCE)
        for token in forged(issuer):
            with pytest.raises(TokenRefused):
                await verifier.verify(token)
        assert (await verifier.verify(issuer.sign())).account == "ada"


async def test_a_new_key_is_fetched_but_not_for_every_token_that_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with issuing() as issuer:
        verifier = IssuerTokens(issuer.url, AUDIENCE)
        await verifier.verify(issuer.sign())
        issuer.add("two")
        with pytest.raises(TokenRefused):
            await verifier.verify(issuer.sign("two"))
        assert len(issuer.asked) == 2
        monkeypatch.setattr(issuer_module, "AT_MOST_EVERY", 0.0)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(verifier.verify, issuer.sign("two"))
        assert len(issuer.asked) == 4


async def test_keys_that_were_good_are_good_while_the_issuer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with issuing() as issuer:
        verifier = IssuerTokens(issuer.url, AUDIENCE)
        await verifier.verify(issuer.sign())
        monkeypatch.setattr(issuer_module, "FRESH", 0.0)
        monkeypatch.setattr(issuer_module, "AT_MOST_EVERY", 0.0)
        issuer.broken = True
        assert (await verifier.verify(issuer.sign())).account == "ada"


@pytest.mark.parametrize("wrong", ["broken", "another"])
async def test_an_issuer_that_is_not_what_it_should_be_verifies_nothing(wrong: str) -> None:
    async with issuing() as issuer:
        issuer.broken = wrong == "broken"
        issuer.name = issuer.name if issuer.broken else "https://another.example/"
        with pytest.raises(CannotVerify):
            await IssuerTokens(issuer.url, AUDIENCE).verify(issuer.sign())


async def test_an_issuer_that_cannot_be_reached_verifies_nothing() -> None:
    with pytest.raises(CannotVerify):
        await IssuerTokens("http://127.0.0.1:9/", AUDIENCE).fetch()


@pytest.mark.parametrize("url", ["http://issuer.example/", "issuer", "ftp://issuer.example/"])
def test_an_issuer_whose_keys_could_never_be_believed_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="cannot be an issuer"):
        IssuerTokens(url, AUDIENCE)


async def test_a_connection_with_a_token_of_the_issuer_ends_when_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_module, "LEEWAY", 0.0)
    async with issuing() as issuer:
        verifier = FirstOf([StaticTokens.one(ADA, "ada"), IssuerTokens(issuer.url, AUDIENCE)])
        async with gateway(verifier=verifier) as there, connected(there.url, issuer.sign(exp=time.time() + 2)) as peer:
            await introduce(peer)
            assert (await peer.wait_for(link.LinkError)).code == "SESSION_EXPIRED"
            assert (await peer.closed())[0] == 4001
