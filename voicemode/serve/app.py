"""The speech service as an ASGI application: each request to the endpoint it is for, each failure into an answer."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import trio

from actors.errors import ProviderUnavailable, VoiceError

from ..speech.endpoint_lists import LIVE_UPLOADS
from .engines import OPENAI_VOICES, TRANSCRIBING, Engines
from .exchange import Exchange, Receive, Scope, Send
from .hosts import refuse_strangers
from .refusal import Refusal, refusal_of
from .speech import create_captioned_speech, create_speech
from .transcriptions import create_transcription

Endpoint: TypeAlias = Callable[[Exchange, Engines], Awaitable[None]]

log = logging.getLogger(__name__)


class SpeechService:
    """Any ASGI server on Trio can serve it.  With ``local_only`` it answers this machine's own requests alone.

    It ends a request when its client leaves.  What is said and heard is never logged.
    """

    def __init__(self, engines: Engines, *, local_only: bool) -> None:
        self._engines, self._local_only = engines, local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises ValueError for other things than HTTP, which is how ASGI applications say that they do without."""
        if scope["type"] != "http":
            raise ValueError(f"This application speaks HTTP only, not {scope['type']}.")
        exchange = Exchange(scope, receive, send)
        with exchange.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(exchange.watch_client)
                await self._answer(exchange)
                nursery.cancel_scope.cancel("answered")

    async def _answer(self, exchange: Exchange) -> None:
        try:
            try:
                if self._local_only:
                    refuse_strangers(exchange.headers)
                await endpoint_of(exchange.method, exchange.path)(exchange, self._engines)
            except VoiceError as error:
                raise refusal_of(error) from error
        except Refusal as refusal:
            await _refuse(exchange, refusal)
        except Exception as error:  # noqa: BLE001 - a mistake in one request is not to end the others
            place = "".join(traceback.format_tb(error.__traceback__))
            # no log.exception: the exception's own words may be the user's
            log.error("%s while answering a request:\n%s", type(error).__name__, place)  # noqa: TRY400
            await _refuse(exchange, Refusal(500, "The speech server made a mistake; its log says where."))


async def _refuse(exchange: Exchange, refusal: Refusal) -> None:
    """Too late for an error the answer just stops: the server closes the connection before its end."""
    if exchange.answered:
        log.warning("An answer broke off: %s", refusal.code or refusal.status)
        return
    await exchange.refuse(refusal)


def endpoint_of(method: str, path: str) -> Endpoint:
    """Raises Refusal."""
    if path not in _ENDPOINTS:
        raise Refusal(404, f"There is nothing at this address; there is {', '.join(_ENDPOINTS)}.", code="unknown_url")
    allowed, endpoint = _ENDPOINTS[path]
    if method != allowed:
        raise Refusal(
            405, f"{path} takes {allowed} only.", code="method_not_supported", headers=((b"allow", allowed.encode()),)
        )
    return endpoint


async def _list_models(exchange: Exchange, engines: Engines) -> None:
    models = [
        {"id": name, "object": "model", "created": 0, "owned_by": "voicemode"}
        | ({LIVE_UPLOADS: True} if name in TRANSCRIBING else {})
        for name in engines.models
    ]
    await exchange.reply_json({"object": "list", "data": models})


async def _list_voices(exchange: Exchange, engines: Engines) -> None:
    if isinstance(engines.speech, ProviderUnavailable):
        raise engines.speech
    await exchange.reply_json({"voices": [*OPENAI_VOICES, *await engines.speech.voices()]})


async def _tell_health(exchange: Exchange, engines: Engines) -> None:
    missing = {error.provider: str(error) for error in engines.missing}
    await exchange.reply_json({"status": "degraded" if missing else "ok", "models": engines.models, "missing": missing})


_ENDPOINTS: Mapping[str, tuple[str, Endpoint]] = {
    "/health": ("GET", _tell_health),
    "/v1/models": ("GET", _list_models),
    "/v1/audio/voices": ("GET", _list_voices),
    "/v1/audio/speech": ("POST", create_speech),
    "/dev/captioned_speech": ("POST", create_captioned_speech),
    "/v1/audio/transcriptions": ("POST", create_transcription),
}
