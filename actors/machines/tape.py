"""The sound of a turn, wound to and fro.  In: chunks, what was played, where to go.  Out: what to play next, and the
account of what was heard, however it was played.

Positions are samples since the beginning of the turn's sound; what was said in earlier turns lies before it, below 0.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from ..messages import SAMPLE_BYTES, SpeechChunk, TurnId
from .playhead import Playhead

FADE_SECONDS = 0.030
"""How softly it goes on after a stop."""

NEAR_SECONDS = 1.0
"""Who goes back so soon after the beginning of a sentence means the one before."""

KEPT_SECONDS = 120.0
"""How far one can go back in a turn."""


class Tape:
    """``earlier`` are the chunks of utterances before the turn, the latest last, all at the turn's rate.

    ``heard`` ends where the first sample lies that was not played: what was skipped, and all that follows it, is not
    heard until somebody goes back and listens to it.
    """

    def __init__(self, turn: TurnId, *, earlier: Sequence[Sequence[SpeechChunk]] = ()) -> None:
        self.samples = 0
        """Played in all, as often as they were."""
        self._playhead = Playhead(turn)
        self._earlier = list(earlier)
        self._reels = [(0, self._playhead)]
        """Where an utterance begins, and its words; the turn's own is the last."""
        self._rate = 0
        self._begins: list[int] = []
        self._sounds: list[bytes] = []
        self._end = 0
        self._sentences: list[int] = []
        self._piece: int | None = None
        self._start = self._next = 0
        """Where it has been playing from, and what ``next`` gives next."""
        self._at = 0
        """Where it was when it was stopped or moved, from which skips count."""
        self._fade: int | None = None
        """Where it was gone on from last, softly."""
        self._wanted: int | None = None
        """A sentence that is not there yet and is to be gone on with."""
        self._last: int | None = None
        """The sentence after which the rest is given up."""
        self._whole = False
        """Whether the sentence that came last has come to its end."""
        self._closed = self._given_up = False
        self._covered: list[tuple[int, int]] = []

    def add(self, chunk: SpeechChunk) -> None:
        """``chunk`` follows what is there.  Raises ValueError as ``Playhead.queue`` does."""
        self._playhead.queue(chunk)
        self._rate = chunk.rate
        self._whole = chunk.last
        if not chunk.pcm:
            return
        if chunk.piece.index != self._piece:
            self._piece = chunk.piece.index
            self._sentences.append(self._end)
            if self._wanted == len(self._sentences) - 1:
                self._go(self._end)
        self._begins.append(self._end)
        self._sounds.append(chunk.pcm)
        self._end += len(chunk.pcm) // SAMPLE_BYTES

    def close(self) -> None:
        """Nothing more comes.  A sentence that is wanted and never came gives the rest up."""
        self._playhead.close()
        self._closed = True
        self._given_up = self._wanted is not None

    @property
    def is_over(self) -> bool:
        """Whether ``next`` will give nothing more unless somebody goes back."""
        limit = self._limit
        beyond = limit is not None and self._next >= limit
        return self._given_up or beyond or (self._closed and self._next == self._end)

    @property
    def position(self) -> int:
        """Where ``next`` begins, unless a sentence is waited for."""
        return self._next

    @property
    def is_waiting(self) -> bool:
        """Whether a sentence is wanted that is not there yet."""
        return self._wanted is not None and not self._closed

    @property
    def is_given_up(self) -> bool:
        """Whether somebody skipped what was left."""
        return self._given_up

    def next(self, seconds: float) -> bytes:
        """What is to be played next, at most so much of it; nothing while that is still to come."""
        if self._wanted is not None or self._next == self._end:
            return b""
        self._forget_behind(self._next - round(KEPT_SECONDS * self._rate))
        place = bisect_right(self._begins, self._next) - 1
        begin = SAMPLE_BYTES * (self._next - self._begins[place])
        samples = int(seconds * self._rate)
        if (limit := self._limit) is not None:
            samples = min(samples, max(0, limit - self._next))
        sound = self._sounds[place][begin : begin + SAMPLE_BYTES * samples]
        if self._fade is not None:
            sound = _faded(sound, self._next - self._fade, round(FADE_SECONDS * self._rate))
        self._next += len(sound) // SAMPLE_BYTES
        return sound

    def finish_sentence(self) -> None:
        """Give the rest up after the sentence that is being said; one that has been said has no next.  Idempotent."""
        if self._last is None:
            self._last = max(bisect_left(self._sentences, self._next) - 1, 0)

    def played(self, samples: int, back_to: int | None = None) -> None:
        """Of what ``next`` gave since the last call so many were played, and the rest will not be.

        It goes on with the word that was being said then, or when ``back_to`` had been played.
        """
        end = min(self._start + max(samples, 0), self._next)
        self.samples += end - self._start
        if end > max(self._start, 0):
            self._cover(max(self._start, 0), end)
        if self._next != self._start:
            place = end if back_to is None else min(end, self._start + max(back_to, 0))
            origin, playhead = self._reels[self._reel(place)]
            self._go(max(origin + playhead.beginning(place - origin), self._begins[0]))
            self._at = end

    def skip(self, sentences: int) -> None:
        """Go on with the sentence so many after this one; back, with the beginning of this one first, or of the one
        before when this one has only begun.

        Beyond the last, the rest is given up.  Before the first are the utterances before the turn, each from its
        beginning.
        """
        for _ in range(abs(sentences)):
            if sentences > 0:
                self._forward()
            else:
                self._back()

    @property
    def text(self) -> str:
        return self._playhead.text

    @property
    def heard(self) -> str:
        """The part of ``text``, from its beginning, that was played without a gap; it ends with a word, unless all
        was."""
        heard = self._playhead.heard(self._unbroken)
        return heard if self.complete else heard.rstrip()

    @property
    def complete(self) -> bool:
        """Whether all there was to say has come and was heard."""
        return self._playhead.complete(self._unbroken)

    @property
    def _unbroken(self) -> int:
        return self._covered[0][1] if self._covered and self._covered[0][0] == 0 else 0

    def _go(self, position: int) -> None:
        self._start = self._next = self._fade = self._at = position
        self._wanted = None
        self._given_up = False

    def _forward(self) -> None:
        if self._given_up:
            return
        following = 1 + (self._sentence if self._wanted is None else self._wanted)
        if following < len(self._sentences):
            self._go(self._sentences[following])
        elif self._closed:
            self._given_up = True
        else:
            self._wanted = following

    def _back(self) -> None:
        if self._wanted is not None:
            before = self._wanted - 1
            if before < len(self._sentences):
                self._go(self._sentences[before] if self._sentences else 0)
            else:
                self._wanted = before
            return
        begin = self._sentences[self._sentence] if self._sentences else 0
        if self._at - begin > NEAR_SECONDS * self._rate:
            self._go(begin)
        elif begin != self._reels[self._reel(begin)][0]:
            self._go(self._sentences[max(self._sentence - 1, 0)])
        else:
            self._go(self._before(begin))

    def _before(self, origin: int) -> int:
        """Where the utterance before the one at ``origin`` begins; ``origin`` when there is none."""
        reel = self._reel(origin)
        if reel == 0 and self._earlier:
            self._put_before(self._earlier.pop())
            reel = 1
        return self._reels[max(reel - 1, 0)][0]

    def _put_before(self, chunks: Iterable[SpeechChunk]) -> None:
        tape = Tape(next((chunk.turn for chunk in chunks), TurnId(0)))
        for chunk in chunks:
            tape.add(chunk)
        tape.close()
        origin = self._reels[0][0] - tape._end
        self._begins[:0] = [origin + begin for begin in tape._begins]
        self._sounds[:0] = tape._sounds
        self._sentences[:0] = [origin + begin for begin in tape._sentences]
        if self._last is not None:
            self._last += len(tape._sentences)
        self._reels.insert(0, (origin, tape._playhead))
        self._rate = tape._rate

    @property
    def _limit(self) -> int | None:
        """Where the last sentence that is wanted ends, once that is known."""
        if self._last is None:
            return None
        if self._last + 1 < len(self._sentences):
            return self._sentences[self._last + 1]
        return self._end if self._whole else None

    @property
    def _sentence(self) -> int:
        """The number of the one that goes on; of the first one also before it is there."""
        return max(bisect_right(self._sentences, self._at) - 1, 0)

    def _reel(self, position: int) -> int:
        return max(bisect_right([origin for origin, _ in self._reels], position) - 1, 0)

    def _forget_behind(self, position: int) -> None:
        count = 0
        while count + 1 < len(self._begins) and self._begins[count + 1] <= position:
            count += 1
        if count:
            del self._begins[:count], self._sounds[:count]
            self._earlier.clear()
            begin = self._begins[0]
            begun = bisect_right(self._sentences, begin)
            self._sentences[:begun] = [begin]
            if self._last is not None:
                self._last -= begun - 1

    def _cover(self, begin: int, end: int) -> None:
        covered: list[tuple[int, int]] = []
        for first, last in sorted([*self._covered, (begin, end)]):
            if covered and first <= covered[-1][1]:
                covered[-1] = covered[-1][0], max(covered[-1][1], last)
            else:
                covered.append((first, last))
        self._covered = covered


def _faded(pcm: bytes, faded: int, fade: int) -> bytes:
    """``faded`` samples of a fade of ``fade`` lie before ``pcm``."""
    if faded >= fade:
        return pcm
    samples = array("h", pcm)
    for index in range(min(len(samples), fade - faded)):
        samples[index] = samples[index] * (faded + index + 1) // fade
    return samples.tobytes()
