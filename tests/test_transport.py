"""The assistant is held, goes on and is skipped through; the clock is virtual, and what left the speaker is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from actors.messages import SpeakingStarted, SpeechChunk, Spoken, TextPiece, TurnId, WordTime
from actors.orders import SpeakingFailed
from actors.player import play_speech
from actors.recent import Recent, replay
from actors.transport import Transport
from voicemode.audio.virtual_speaker import NullSpeaker, VirtualSpeaker

TURN = TurnId(1)
RATE = 16_000
WORD = 0.4


def sentence(index: int, words: int, *, turn: TurnId = TURN) -> list[SpeechChunk]:
    """A chunk of 0.5 s for each word, which is as loud as its number in the turn, from 1 on, says."""
    said = [f"w{index}{number}" for number in range(words)]
    piece = TextPiece(turn=turn, index=index, start=0, text=" ".join(said) + " ")
    chunks = [
        SpeechChunk(
            turn=turn,
            piece=piece,
            pcm=np.full(RATE // 2, 1_000 * turn + 10 * index + number, "<i2").tobytes(),
            rate=RATE,
            words=(WordTime(start=4 * number, end=4 * number + 3, begin=number / 2, finish=number / 2 + WORD),),
        )
        for number in range(words)
    ]
    return [*chunks, SpeechChunk(turn=turn, piece=piece, pcm=b"", rate=RATE, last=True)]


class Deck:
    """A player, its keys, and what left the speaker: when each word was played, by its level."""

    def __init__(self, *chunks: SpeechChunk, recent: Recent | None = None, turn: TurnId = TURN) -> None:
        self.transport, self.recent, self.turn = Transport(), recent, turn
        self.chunks = chunks
        self.reports: list[object] = []
        self.samples: dict[int, int] = {}
        self.made = 0

    def sink(self, at: float, pcm: bytes, rate: int) -> None:
        begin = round(at * rate)
        self.samples.update(enumerate(np.frombuffer(pcm, "<i2").tolist(), begin))

    async def play(self, *keys: tuple[float, Callable[[], object]], until: float = float("inf")) -> Spoken:
        """Press ``keys`` at their times."""
        send, receive = trio.open_memory_channel[SpeechChunk](1)
        reports, reported = trio.open_memory_channel[SpeakingStarted | Spoken | SpeakingFailed](10)

        async def make() -> None:
            with send, suppress(trio.BrokenResourceError):
                for chunk in self.chunks:
                    await send.send(chunk)
                    self.made += 1

        async def press(at: float, key: Callable[[], object]) -> None:
            await trio.sleep_until(at)
            key()

        async with VirtualSpeaker(self.sink).open(RATE) as playback, trio.open_nursery() as nursery:
            for at, key in keys:
                nursery.start_soon(press, at, key)
            nursery.start_soon(make)
            with trio.move_on_at(until):
                await play_speech(
                    receive, reports, turn=self.turn, playback=playback, transport=self.transport, recent=self.recent
                )
            nursery.cancel_scope.cancel()
        with reported:
            self.reports = [report async for report in reported]
        account = self.reports[-1]
        assert isinstance(account, Spoken)
        return account

    @property
    def played(self) -> list[tuple[float, int]]:
        """(when it began, level) of everything that was played at one level, without what fades in."""
        stretches: list[tuple[float, int]] = []
        for position in sorted(self.samples):
            level = self.samples[position]
            if level == self.samples.get(position + 99) and level != self.samples.get(position - 1):
                stretches.append((round(position / RATE, 3), level))
        return stretches

    @property
    def silent(self) -> list[tuple[float, float]]:
        """Begin and end of the pauses."""
        positions = np.array(sorted(self.samples))
        return [
            (round((positions[at] + 1) / RATE, 4), round(positions[at + 1] / RATE, 4))
            for at in np.flatnonzero(np.diff(positions) > 1)
        ]


async def test_what_is_held_is_silent_within_a_quantum_and_goes_on_with_its_word(autojump_clock: MockClock) -> None:
    deck = Deck(*sentence(0, 3))
    account = await deck.play((0.705, deck.transport.hold), (2.0, deck.transport.go_on))
    assert deck.silent == [(0.71, 2.0)]
    assert [(at, level) for at, level in deck.played] == [(0, 1_000), (0.5, 1_001), (2.03, 1_001), (2.5, 1_002)]
    assert (account.heard, account.complete) == (account.text, True)
    assert account.samples == round((1.5 + 0.21) * RATE)


async def test_whoever_makes_the_speech_waits_while_it_is_held(autojump_clock: MockClock) -> None:
    deck = Deck(*sentence(0, 9))
    seen: list[int] = []
    await deck.play(
        (0.7, deck.transport.hold), (9.0, lambda: seen.append(deck.made)), (9.0, deck.transport.go_on), until=9.1
    )
    assert seen == [3]


async def test_a_hold_that_lasts_gives_the_account_as_it_was_then(autojump_clock: MockClock) -> None:
    deck = Deck(*sentence(0, 3))
    account = await deck.play((0.705, deck.transport.hold), (0.8, deck.transport.hold), until=60)
    assert (account.heard, account.complete, account.samples) == ("w00", False, round(0.71 * RATE))
    assert account.at == pytest.approx(60)


async def test_what_is_held_before_it_begins_does_not(autojump_clock: MockClock) -> None:
    deck = Deck(*sentence(0, 2))
    deck.transport.hold()
    account = await deck.play((5.0, deck.transport.go_on))
    assert deck.reports[0] == SpeakingStarted(turn=TURN, at=5)
    assert deck.played == [(5.0, 1_000), (5.5, 1_001)]
    assert account.complete


async def test_a_hold_while_the_last_word_leaves_is_a_hold(autojump_clock: MockClock) -> None:
    deck = Deck(*sentence(0, 2))
    account = await deck.play((0.87, deck.transport.hold), (3.0, deck.transport.go_on))
    assert deck.played[-1] == (3.03, 1_001)
    assert account.complete
    assert account.at == pytest.approx(3.5)


async def test_it_skips_back_and_on_while_it_plays_and_while_it_is_held(autojump_clock: MockClock) -> None:
    deck = Deck(*sentence(0, 3), *sentence(1, 3), *sentence(2, 1))
    keys = deck.transport
    account = await deck.play(
        (0.7, lambda: keys.skip(1)), (2.0, keys.hold), (2.1, lambda: keys.skip(-1)), (3.0, keys.go_on), until=20
    )
    levels = [level for _, level in deck.played]
    assert levels == [1_000, 1_001, 1_010, 1_011, 1_012, 1_010, 1_011, 1_012, 1_020]
    assert (account.heard, account.complete) == ("w00", False)


@pytest.mark.parametrize("held", [False, True])
async def test_who_skips_the_rest_ends_the_turn(autojump_clock: MockClock, held: bool) -> None:
    deck = Deck(*sentence(0, 3))
    keys = [(0.65, deck.transport.hold)] if held else []
    account = await deck.play(*keys, (0.7, lambda: deck.transport.skip(1)))
    assert (account.heard, account.complete) == ("w00", False)
    assert account.at == pytest.approx(0.7)


async def test_a_skip_while_nothing_is_played_does_nothing(autojump_clock: MockClock) -> None:
    deck = Deck(*sentence(0, 1))
    deck.transport.skip(3)
    assert (await deck.play()).complete
    deck.transport.skip(3)
    assert not deck.transport.moved


async def test_one_set_of_keys_is_for_one_voice_at_a_time(autojump_clock: MockClock) -> None:
    transport = Transport()
    async with NullSpeaker().open(RATE) as playback:
        with transport.playing(playback), pytest.raises(RuntimeError, match="two voices"), transport.playing(playback):
            pass
        with transport.playing(playback):
            assert not transport.held


async def test_before_the_first_sentence_are_the_turns_before(autojump_clock: MockClock) -> None:
    recent = Recent()
    await Deck(*sentence(0, 2), recent=recent).play()
    deck = Deck(*sentence(0, 2, turn=TurnId(2)), recent=recent, turn=TurnId(2))
    begun = trio.current_time()
    account = await deck.play((begun + 0.3, lambda: deck.transport.skip(-1)))
    assert [level for _, level in deck.played] == [2_000, 1_000, 1_001, 2_000, 2_001]
    assert (account.text, account.heard, account.complete) == ("w00 w01 ", "w00 w01 ", True)
    assert [utterance.turn for utterance in recent.utterances] == [1, 2]


async def test_what_was_said_can_be_said_again_without_an_engine(autojump_clock: MockClock) -> None:
    recent = Recent()
    await Deck(*sentence(0, 1), *sentence(1, 1), recent=recent).play(until=0.6)
    [utterance] = recent.utterances
    assert utterance.text == "w00 w10 "
    send, receive = trio.open_memory_channel[SpeechChunk](0)
    reports, reported = trio.open_memory_channel[SpeakingStarted | Spoken | SpeakingFailed](2)
    async with NullSpeaker().open(RATE) as playback, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: replay(utterance, send, turn=TurnId(5)))
        await play_speech(receive, reports, turn=TurnId(5), playback=playback)
    with reported:
        account = [report async for report in reported][-1]
    assert isinstance(account, Spoken)
    assert (account.turn, account.heard, account.complete) == (5, "w00 w10 ", True)


def test_only_so_many_utterances_and_so_much_of_them_are_kept() -> None:
    second = RATE * 2
    recent = Recent(3, 2 * second)
    for turn in range(1, 6):
        for chunk in sentence(0, 1, turn=TurnId(turn)):
            recent.add(chunk)
    assert [(each.turn, each.size) for each in recent.utterances] == [(3, RATE), (4, RATE), (5, RATE)]
    for chunk in [*sentence(0, 2, turn=TurnId(6)), *sentence(1, 2, turn=TurnId(6)), *sentence(2, 1, turn=TurnId(6))]:
        recent.add(chunk)
    [latest] = recent.utterances
    assert (latest.turn, latest.text, latest.size) == (6, "w10 w11 w20 ", 3 * RATE)
    assert recent.before(TurnId(6), RATE) == recent.before(TurnId(7), 8_000) == []
