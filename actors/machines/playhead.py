"""Chunks of a turn's speech go in as they are queued; what was heard of the text after so many samples comes out.

This is the arithmetic behind the one authority for "heard".  It is exact with word times, and low without.
"""

from __future__ import annotations

import math
from unicodedata import east_asian_width

from attrs import define, field

from ..messages import SAMPLE_BYTES, SpeechChunk, TextPiece, TurnId, WordTime

CHARACTERS_PER_SECOND = 15.0
"""How fast a voice is taken to speak until a whole piece has shown it: 180 words of five letters a minute."""

ROUNDING = 0.5
"""Samples by which a word may end later than the playhead and count as heard: less than one, for floats do not meet."""


@define(kw_only=True)
class _Queued:
    """A piece and its sound so far, which begins ``begin`` samples into the turn."""

    piece: TextPiece
    begin: int
    samples: int = 0
    words: list[WordTime] = field(factory=list[WordTime])
    closed: bool = False


class Playhead:
    """Follows the speech of one turn.

    A piece that was played to its last sample is heard whole, with the white space after it.  In a piece that was not,
    what is heard ends with a word: by the engine's word times, which count from the beginning of the piece's text and
    sound, or without them by the share of the piece's sound that was played.  While more of that sound is to come its
    length is estimated from the pieces before.
    """

    def __init__(self, turn: TurnId) -> None:
        self._turn = turn
        self._pieces: list[_Queued] = []
        self._rate: int | None = None
        self._samples = 0
        self._closed = False

    def queue(self, chunk: SpeechChunk) -> None:
        """``chunk`` is played after all that was queued before.

        Raises ValueError, and nothing is queued, when it is of another turn, when its piece is an earlier one, is
        closed or has another text than before, when it begins a piece while one is open, when its rate is a new one
        and after ``close``.
        """
        current = self._pieces[-1] if self._pieces else None
        self._check(chunk, current)
        if current is None or current.piece != chunk.piece:
            current = _Queued(piece=chunk.piece, begin=self._samples)
            self._pieces.append(current)
        self._rate = chunk.rate
        samples = len(chunk.pcm) // SAMPLE_BYTES
        self._samples += samples
        current.samples += samples
        current.words += chunk.words
        current.closed = chunk.last

    def close(self) -> None:
        """No more comes: the whole text was queued.  A piece that is still open stays so, and nothing is complete."""
        self._closed = True

    @property
    def text(self) -> str:
        """All text of which anything was queued."""
        return "".join(queued.piece.text for queued in self._pieces)

    def heard(self, samples: int) -> str:
        """The part of ``text``, from its beginning, that was heard when ``samples`` of the turn have been played.

        More samples never make it shorter.
        """
        heard: list[str] = []
        for queued in self._pieces:
            played = min(samples - queued.begin, queued.samples)
            if not queued.closed or played < queued.samples:
                heard.append(queued.piece.text[: self._characters(queued, played)])
                break
            heard.append(queued.piece.text)
        return "".join(heard)

    def complete(self, samples: int) -> bool:
        """Whether all text was queued, closed, and heard when ``samples`` of the turn have been played."""
        return self._closed and all(queued.closed for queued in self._pieces) and samples >= self._samples

    def beginning(self, samples: int) -> int:
        """Where to go on after ``samples`` of the turn: with the word that was being said, from its beginning.

        Between two words that is where the first of them ends, before the first one where the piece begins.  It never
        lies after ``samples``, and from there on is itself.
        """
        current = next((queued for queued in reversed(self._pieces) if queued.begin <= samples), None)
        if current is None or self._rate is None or (current.closed and samples >= current.begin + current.samples):
            return samples
        played = samples - current.begin
        if not current.words:
            until = self._share(current, played, self._rate)[1] if played > 0 else 0
            return current.begin - (
                -until * self._length(current, self._rate) // len(current.piece.text.rstrip() or " ")
            )
        times = [
            (int(word.begin * self._rate), math.ceil(word.finish * self._rate - ROUNDING)) for word in current.words
        ]
        cut = [begin for begin, end in times if begin <= played < end]
        over = [end for _, end in times if end <= played]
        return current.begin + (min(cut) if cut else max(over, default=0))

    def _check(self, chunk: SpeechChunk, current: _Queued | None) -> None:
        piece = chunk.piece
        if chunk.turn != self._turn or piece.turn != self._turn:
            raise ValueError(f"a chunk of turn {chunk.turn}, piece of turn {piece.turn}, queued in turn {self._turn}")
        if self._closed:
            raise ValueError(f"a chunk of piece {piece.index} queued after the end of the text")
        if self._rate is not None and chunk.rate != self._rate:
            raise ValueError(f"a chunk at {chunk.rate} Hz queued after others at {self._rate} Hz")
        if len(chunk.pcm) % SAMPLE_BYTES:
            raise ValueError(f"a chunk of piece {piece.index} ends in the middle of a sample")
        if current is None:
            return
        if piece.index < current.piece.index:
            raise ValueError(f"a chunk of piece {piece.index} queued after piece {current.piece.index} began")
        if piece.index == current.piece.index and current.closed:
            raise ValueError(f"a chunk of piece {piece.index} queued after its last one")
        if piece.index == current.piece.index and piece != current.piece:
            raise ValueError(f"piece {piece.index} changed its text after it began")
        if piece.index > current.piece.index and not current.closed:
            raise ValueError(f"piece {piece.index} begins before piece {current.piece.index} is closed")

    def _characters(self, queued: _Queued, played: int) -> int:
        """How many characters of a piece that was not wholly played were heard."""
        text = queued.piece.text
        if self._rate is None or played <= 0:
            return 0
        if queued.words:
            over = (word.end for word in queued.words if word.finish * self._rate <= played + ROUNDING)
            return min(max(over, default=0), len(text))
        return self._share(queued, played, self._rate)[0]

    def _share(self, queued: _Queued, played: int, rate: int) -> tuple[int, int]:
        """By the share that was played: where in the text the last word ends that is over, and where its sound ends."""
        text = queued.piece.text
        said = len(text.rstrip())
        # the last word is not over before the piece is
        upto = min(said * played // self._length(queued, rate), said - 1)
        for end in range(upto, 0, -1):
            if _parts_words(text[end - 1], text[end]):
                # nobody pauses for a space: until the next word begins this one sounds
                until = end + text[end].isspace()
                if until <= upto:
                    return end, until
        return 0, 0

    def _length(self, queued: _Queued, rate: int) -> int:
        """In samples; of a piece of which more is to come an estimate."""
        if queued.closed:
            return queued.samples
        said = len(queued.piece.text.rstrip())
        return max(queued.samples, int(said / self._characters_per_second(rate) * rate))

    def _characters_per_second(self, rate: int) -> float:
        whole = [queued for queued in self._pieces if queued.closed and queued.samples]
        seconds = sum(queued.samples for queued in whole) / rate
        said = sum(len(queued.piece.text.rstrip()) for queued in whole)
        return said / seconds if said else CHARACTERS_PER_SECOND


def _parts_words(before: str, after: str) -> bool:
    """Whether a word ends between two characters; in a script without spaces every wide character is one."""
    return not before.isspace() and (after.isspace() or east_asian_width(before) in "WF")
