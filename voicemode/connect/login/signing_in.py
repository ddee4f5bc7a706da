"""Signs somebody in.  In: the settings, and a way to a person.  Out: credentials, which are kept."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from functools import partial

import trio
from attrs import evolve, frozen

from actors.errors import SettingsError

from ...groups import unwrapped
from .access_token import in_thread
from .answer import belongs_to, code_in, pasted_code, refusal_without_state
from .credentials import Credentials
from .errors import LoginError
from .guard import alone_with_login
from .loopback import PORTS, Loopback
from .once_begun import once_begun
from .provider import discover
from .request import LoginRequest
from .settings import LoginSettings
from .store import CredentialStore
from .tokens import redeem, user_info

PATIENCE = 300.0
"""Seconds that a person has for it."""


@frozen
class Person:
    """``shown`` gets the address to go to; ``told`` a sentence about what else there is to know; ``pasted`` is what
    they paste, in lines."""

    shown: Callable[[str], Awaitable[object]]
    told: Callable[[str], object]
    pasted: AsyncIterable[str] | None = None


async def sign_in(
    settings: LoginSettings, store: CredentialStore, person: Person, *, ports: Sequence[int] = PORTS
) -> Credentials:
    """Raises SettingsError for what is not configured, LoginError for everything else."""
    check(settings)
    provider = await discover(settings.issuer)
    loopback = await Loopback.open(ports)
    try:
        request = LoginRequest(provider, settings.client_id, loopback.redirect_uri, settings.scopes, settings.audience)
        code = await _code(request, loopback, person)
    finally:
        await loopback.aclose()
    tokens = await redeem(code, request)
    given = Credentials.given(tokens, time.time(), issuer=provider.issuer, client_id=request.client_id)
    try:
        given = evolve(given, user_info=await user_info(provider, tokens.access))
    except LoginError as error:
        person.told(str(error))
    async with alone_with_login(settings.base_dir):
        await once_begun(partial(in_thread, partial(store.save, given)))
    return given


def check(settings: LoginSettings) -> None:
    """Raises SettingsError for what is missing, before anybody is asked for anything."""
    if not settings.enabled:
        raise SettingsError(
            "Nothing connects to anywhere, and nobody is signed in, unless you allow it: voicemode config set "
            "VOICEMODE_CONNECT_ENABLED true."
        )
    if not settings.client_id:
        raise SettingsError(
            f"VOICEMODE_CONNECT_CLIENT_ID is missing: the name under which {settings.issuer or 'your OpenID provider'} "
            "knows this program. Register a public (native) client there, and set it."
        )


async def _code(request: LoginRequest, loopback: Loopback, person: Person) -> str:
    """From the browser or from what is pasted, whichever comes first."""
    found: list[str] = []
    refused: set[str] = set()

    def ours(query: str) -> bool:
        if (meaning := refusal_without_state(query)) is not None and meaning not in refused:
            refused.add(meaning)
            person.told(
                f"An answer came to the browser that does not say which sign-in it is for: {meaning}. If it is yours, "
                "end this with Ctrl-C; otherwise go on in the browser."
            )
        return belongs_to(query, request)

    async def receive() -> None:
        query = await loopback.query(ours)
        found.append(code_in(query, request))
        nursery.cancel_scope.cancel("the browser has brought it")

    async def read(pasted: AsyncIterable[str]) -> None:
        async for line in pasted:
            try:
                found.append(pasted_code(line, request))
            except LoginError as error:
                person.told(str(error))
            else:
                nursery.cancel_scope.cancel("it was pasted")
                return

    try:
        with trio.fail_after(PATIENCE), unwrapped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive)
                if person.pasted is not None:
                    nursery.start_soon(read, person.pasted)
                await person.shown(request.url)
    except trio.TooSlowError as error:
        raise LoginError(
            f"Nobody has signed in for {PATIENCE / 60:g} minutes. Start again with voicemode connect login."
        ) from error
    return found[0]
