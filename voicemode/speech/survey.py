"""How all engines do at present, where somebody wants to know.  In: the providers.  Out: their board, with an answer of
each, and how long that took.
"""

from __future__ import annotations

import trio
from attrs import define, field

from actors.errors import ProviderError, ProviderUnavailable
from actors.machines.board import Key
from actors.machines.latencies import Latencies

from ..groups import unwrapped
from .provider import Provider
from .providers import Providers

PATIENCE = 3.0
"""Seconds in which an engine answers, or is loaded."""


@define
class Survey:
    """``answers`` is how long each engine took to say that it is there."""

    providers: Providers
    answers: dict[Key, Latencies] = field(factory=dict[Key, Latencies], init=False)

    async def go_round(self) -> None:
        """Ask every engine, side by side, whether it is there; then all are on the board, also one that is alone."""
        with unwrapped():
            await self.providers.look()
            posted = {(status.service, status.provider) for status in self.providers.board.statuses()}
            async with trio.open_nursery() as nursery:
                for provider in self.providers.all:
                    if provider.key not in posted:
                        self.providers.post(provider)
                    nursery.start_soon(self._ask, provider)

    async def _ask(self, provider: Provider) -> None:
        board = self.providers.board
        call = board.probing(*provider.key, trio.current_time())
        try:
            with trio.fail_after(PATIENCE):
                await provider.engine.probe()
        except ProviderError as error:
            board.failed(call, trio.current_time(), error)
        except trio.TooSlowError:
            said = f"{provider.name} said nothing for {PATIENCE:g} s when it was asked whether it is there."
            silence = ProviderUnavailable(provider.name, said, code="timeout", retryable=True)
            board.failed(call, trio.current_time(), silence)
        except trio.Cancelled:
            board.cancelled(call, trio.current_time())
            raise
        else:
            now = trio.current_time()
            board.answered(call, now)
            board.ended(call, now)
            self.answers.setdefault(provider.key, Latencies()).add(now - call.began)
