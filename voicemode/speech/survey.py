"""How all engines do at present, where somebody wants to know.  In: the providers.  Out: their board, with an answer of
each, and how long that took.
"""

from __future__ import annotations

import trio
from attrs import define, field

from actors.errors import ProviderError
from actors.health import unanswered
from actors.machines.board import Key
from actors.machines.latencies import Latencies

from ..groups import unwrapped
from .provider import Provider
from .providers import Providers


@define
class Survey:
    """``answers`` is how long each engine took to say that it is there."""

    providers: Providers
    answers: dict[Key, Latencies] = field(factory=dict[Key, Latencies], init=False)

    async def go_round(self) -> None:
        """Ask every engine whether it is there and look for new ones, side by side; then all are on the board, also one
        that is alone.  Who says nothing when it is found is not asked again."""
        with unwrapped():
            posted = {(status.service, status.provider) for status in self.providers.board.statuses()}
            async with trio.open_nursery() as nursery:
                for provider in self.providers.all:
                    if provider.key not in posted:
                        self.providers.post(provider)
                    nursery.start_soon(self._ask, provider)
                for provider in await self.providers.look(self.providers.silence):
                    if provider.plan.offer is None:
                        self._note_silence(provider)
                    else:
                        nursery.start_soon(self._ask, provider)

    async def _ask(self, provider: Provider) -> None:
        board = self.providers.board
        call = board.probing(*provider.key, trio.current_time())
        try:
            with trio.fail_after(self.providers.silence):
                await provider.engine.probe()
        except ProviderError as error:
            board.failed(call, trio.current_time(), error)
        except trio.TooSlowError:
            board.failed(call, trio.current_time(), unanswered(provider.name, self.providers.silence))
        except trio.Cancelled:
            board.cancelled(call, trio.current_time())
            raise
        else:
            now = trio.current_time()
            board.answered(call, now)
            board.ended(call, now)
            self.answers.setdefault(provider.key, Latencies()).add(now - call.began)

    def _note_silence(self, provider: Provider) -> None:
        board, silence, now = self.providers.board, self.providers.silence, trio.current_time()
        board.failed(board.probing(*provider.key, now - silence), now, unanswered(provider.name, silence))
