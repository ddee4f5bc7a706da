"""One engine's part of a text.  In: the text from where nobody has said it yet.  Out: its speech, and how far it came.

Seconds and characters of the part become those of the whole text and of all of its sound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import TypeAlias

import trio
from attrs import define, evolve, field

from .errors import ProviderError, ProviderUnavailable
from .failover import Candidate, failure_of, silent
from .failover_delivery import Converter, Delivery
from .machines.pace import Pace
from .machines.record import Call
from .machines.resume import Seam
from .messages import SAMPLE_BYTES, Synthesis, WordTime
from .ports import TextToSpeech

STRETCH = 0.2
"""Seconds of sound that are converted and handed on in one go, so that the loop is never held up for long."""

LOOKING = 3.0
"""Seconds that may be spent on finding the words in what was delivered: the listener waits meanwhile, and would rather
wait on a busy machine than hear half of it again.  Usually it takes some 30 ms."""

AHEAD = 0.2
"""Seconds of sound that a listener has before it is played, so that an engine that sends as fast as it is listened to
makes no gaps."""

LOOK, TICK = 0.05, 0.001
"""Seconds between two looks at whether anybody is waiting, at most and at least."""

LONGEST, LONGEST_CHARACTER = 10.0, 0.5
"""Seconds that a text takes at most, and in addition each of its characters, at speed 1: ten times the usual for
letters, and enough for numbers, for signs of which each is a word, and for pauses."""


Stretch: TypeAlias = tuple[bytes, tuple[WordTime, ...]]
"""Sound, and the words of the whole text in it."""


@define(kw_only=True)
class Part:
    """``is_last`` says whether there is nobody else to ask, so that it has all the time there is.  ``may_sound`` is
    asked before anything is handed on; when another engine was first it says no, and whoever does so cancels ``say``.

    ``waited``: seconds of the silence that was too long, or all that were spent waiting for sound before it failed.
    """

    delivery: Delivery
    asked: Candidate[TextToSpeech]
    is_last: Callable[[], bool]
    may_sound: Callable[[], bool] = field(default=lambda: True, init=False)
    waited: float = field(default=0.0, init=False)
    _at: int = field(init=False)
    _begin: float = field(init=False)
    _seam: Seam = field(init=False)
    _voice: str | None = field(init=False)
    _converter: Converter | None = field(default=None, init=False)
    _idle: float = field(default=0.0, init=False)
    """Seconds that were spent waiting for sound after the first of it."""
    _sounded: float | None = field(default=None, init=False)
    """When the first sound came."""
    _first_after: float = field(default=0.0, init=False)
    _gone: bool = field(default=False, init=False)
    _estimated: int = field(default=0, init=False)
    """Words told from the pace, because those before have times and the engine gives none."""
    _rest: deque[tuple[bytes, tuple[WordTime, ...]]] = field(
        factory=deque[tuple[bytes, tuple[WordTime, ...]]], init=False
    )
    """Still to be converted and handed on."""
    _ready: Stretch | None = field(default=None, init=False)
    """What has been converted and not handed on: who fails may cancel whoever waits for a listener."""

    def __attrs_post_init__(self) -> None:
        delivery, asked = self.delivery, self.asked
        outfit, rate = delivery.outfit, asked.engine.rate
        self._at, self._begin = delivery.at, delivery.seconds
        self._seam = Seam(delivery.text[delivery.at :], rate)
        self._voice = delivery.voice if asked.voices is None or delivery.voice in asked.voices else None
        if rate != outfit.rate:
            if outfit.convert is None:
                raise ValueError(f"{asked.name} speaks at {rate} Hz and not at {outfit.rate}, and nothing converts it")
            self._converter = outfit.convert(rate, outfit.rate)

    async def say(self) -> ProviderError | None:
        """Say it; or move ``delivery.at`` to where it broke off, note and return why."""
        board = self.delivery.outfit.board
        call = board.began("tts", self.asked.name, trio.current_time())
        try:
            error = await self._speak(call)
        except BaseException:
            # also a cancel: a call that is never ended would keep a trial from all others
            board.cancelled(call, trio.current_time())
            raise
        now = trio.current_time()
        if self._gone:
            board.cancelled(call, now)
            return None
        try:
            if error is not None:
                board.failed(call, now, error)
                await self._break_off(error)
                self.delivery.errors.append(error)
                self.delivery.untold.append(failure_of("tts", error, self.asked.name, self.waited))
            else:
                board.ended(call, now)
                await self._end()
        except trio.BrokenResourceError:
            return None
        return error

    async def _speak(self, call: Call) -> ProviderError | None:
        delivery, began = self.delivery, trio.current_time()
        patience = delivery.left if self.is_last() else min(delivery.outfit.policy.first_byte, delivery.left)
        found: ProviderError | None = None
        with trio.CancelScope(deadline=began + patience) as entering:
            try:
                async with self.asked.engine.speak(self._seam.text, voice=self._voice, speed=delivery.speed) as audio:
                    entering.deadline = inf
                    found = await self._follow(audio, call, began, patience)
            except ProviderError as error:
                found = found or error
        if entering.cancelled_caught:
            found = silent(self.asked.name, patience)
        if found is not None:
            now = trio.current_time()
            lost = now - began if self._sounded is None else self.waited
            delivery.spend(now - lost, now)
            self.waited = lost or self._first_after + self._idle
        return found

    async def _follow(
        self, audio: trio.MemoryReceiveChannel[Synthesis], call: Call, began: float, patience: float
    ) -> ProviderError | None:
        """Hand on what comes.  Errors are returned, because an engine's own nursery would wrap what is raised here."""
        longest = (LONGEST + LONGEST_CHARACTER * len(self._seam.text)) / (self.delivery.speed or 1.0)
        try:
            while self._seam.received <= longest:
                part = await (_next_until(audio, began + patience) if self._sounded is None else self._next(audio))
                if part is None:
                    return self._too_slow(began)
                if (part.pcm or part.words) and not self.may_sound():
                    await trio.sleep_forever()
                now = trio.current_time()
                if part.pcm and self._sounded is None:
                    self._sounded, self._first_after = now, now - began
                    self.delivery.outfit.board.answered(call, now)
                due = 0.0 if self._sounded is None else now - self._sounded + AHEAD
                await self._hand_on(*self._seam.feed(part.pcm, part.words, due))
        except trio.EndOfChannel:
            return None
        except trio.BrokenResourceError:
            self._gone = True
            return None
        except ProviderError as error:
            return error
        name = self.asked.name
        return ProviderUnavailable(
            name, f"{name} went on after {longest:.0f} s of sound for one text and was stopped.", code="endless"
        )

    async def _next(self, audio: trio.MemoryReceiveChannel[Synthesis]) -> Synthesis | None:
        """None when somebody waited in vain; while nobody does, the engine may take its time."""
        left = patience = self._patience
        while left > 0:
            began = trio.current_time()
            # never so short that time would stand still
            step = max(min(LOOK, left), TICK)
            with trio.move_on_after(step):
                part = await audio.receive()
                self._idle += trio.current_time() - began
                return part
            if self.delivery.awaited:
                self._idle += step
                left -= step
        self.waited = patience
        return None

    @property
    def _patience(self) -> float:
        """Seconds until the next sound, and less for an engine that speaks slower than it can be listened to."""
        between = self.delivery.outfit.policy.between
        if self.is_last():
            between = max(between, self.delivery.left)
        return max(0.0, between - max(0.0, self._idle - self._seam.received))

    def _too_slow(self, began: float) -> ProviderError:
        name = self.asked.name
        if self._sounded is None:
            return silent(name, trio.current_time() - began)
        if self.waited < self.delivery.outfit.policy.between:
            said = f"{name} speaks slower than it can be listened to."
            return ProviderUnavailable(name, said, code="timeout", retryable=True)
        return silent(name, self.waited, midway=True)

    async def _end(self) -> None:
        seam = self._seam
        await self._hand_on(*seam.finish(), last=True)
        if not seam.words and seam.sound:
            self._pace.learn(seam.text, seam.received)

    async def _break_off(self, error: ProviderError) -> None:
        """Hand on the rest of the last whole word, and find out where that is in the text."""
        delivery, seam = self.delivery, self._seam
        if seam.words or not seam.sound:
            delivery.at = self._at + seam.next_character
            await self._hand_on(b"", (), last=True)
            return
        if error.code == "endless":
            # with so much sound all was said, whatever came after it
            delivery.at = len(delivery.text)
            await self._flush()
            return
        words = await self._words()
        pcm, following = seam.cut(words)
        told = self._in_all(words)
        await self._hand_on(pcm, (), last=True)
        delivery.at = self._at + following
        if not delivery.timed:
            delivery.guessed += told

    async def _words(self) -> Sequence[WordTime]:
        """Those that are whole in the sound, as far as that can be known."""
        seam, find_words = self._seam, self.delivery.outfit.find_words
        words: Sequence[WordTime] | None = None
        if find_words is not None:
            with trio.move_on_after(LOOKING):
                try:
                    words = await find_words(bytes(seam.sound), seam.rate, seam.text)
                except ProviderError:
                    words = None
        return self._pace.words(seam.text, seam.received) if words is None else words

    @property
    def _pace(self) -> Pace:
        return self.delivery.outfit.paces.setdefault((self.asked.name, self._voice, self.delivery.speed), Pace())

    def _in_all(self, words: Sequence[WordTime]) -> tuple[WordTime, ...]:
        """``words`` of this part as words of the whole."""
        at, begin = self._at, self._begin
        return tuple(
            evolve(word, start=word.start + at, end=word.end + at, begin=word.begin + begin, finish=word.finish + begin)
            for word in words
        )

    async def _hand_on(self, pcm: bytes, words: Sequence[WordTime], *, last: bool = False) -> None:
        """Raises BrokenResourceError when nobody listens any longer."""
        delivery, seam = self.delivery, self._seam
        if delivery.timed and not seam.words:
            known = self._pace.words(seam.text, seam.sent)
            words, self._estimated = known[self._estimated :], len(known)
        self._rest.append((pcm, self._in_all(words)))
        await self._flush(last=last)

    async def _flush(self, *, last: bool = False) -> None:
        """Hand on what is there, in order.  What an engine that fails cuts short goes on with the next call."""
        delivery, step = self.delivery, SAMPLE_BYTES * round(STRETCH * self._seam.rate)
        while self._ready is not None or self._rest:
            if self._ready is None:
                pcm, words = self._rest.popleft()
                until = inf
                if len(pcm) > step:
                    until = delivery.seconds + STRETCH
                    self._rest.appendleft((pcm[step:], tuple(word for word in words if word.begin >= until)))
                pcm = pcm[:step]
                if self._converter is not None:
                    pcm = self._converter.convert(pcm, last=last and not self._rest)
                self._ready = pcm, tuple(word for word in words if word.begin < until)
            if any(self._ready):
                # failures are told with the first sound of whoever goes on
                await delivery.send(*self._ready, self.asked.name)
            self._ready = None


async def _next_until(audio: trio.MemoryReceiveChannel[Synthesis], deadline: float) -> Synthesis | None:
    """None when it takes too long."""
    with trio.move_on_at(deadline):
        return await audio.receive()
    return None
