"""When what was heard in a recording was said.  In: transcripts of its stretches.  Out: OpenAI's words and segments."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from actors.messages import HeardWord, Transcript

GRANULARITIES = ("word", "segment")

PAUSE = 0.5
"""Seconds of silence between two words, or more, that end a segment."""


class Timestamps:
    """Times are seconds of the whole recording.  An engine that does not know them makes none up."""

    def __init__(self) -> None:
        self._segments: list[list[HeardWord]] = []
        self._offsets: list[float] = []
        self._known = True

    def add(self, transcript: Transcript, offset: float) -> None:
        """``transcript`` is of the stretch that begins ``offset`` seconds into the recording."""
        if transcript.text and not transcript.words:
            self._known = False
        finish = -PAUSE
        for word in transcript.words:
            if not self._segments or self._offsets[-1] != offset or word.begin - finish >= PAUSE:
                self._segments.append([])
                self._offsets.append(offset)
            self._segments[-1].append(word)
            finish = word.finish

    def told(self, granularities: Collection[str]) -> dict[str, Any]:
        """``words`` and ``segments`` of a verbose transcription, those that are asked for; nothing if not known."""
        if not self._known:
            return {}
        told: dict[str, Any] = {}
        stretches = list(zip(self._offsets, self._segments, strict=True))
        if "word" in granularities:
            told["words"] = [
                {"word": word.text, **_span(offset, word, word)} for offset, words in stretches for word in words
            ]
        if "segment" in granularities:
            told["segments"] = [
                {"id": number, **_span(offset, words[0], words[-1]), "text": " ".join(word.text for word in words)}
                for number, (offset, words) in enumerate(stretches)
            ]
        return told


def _span(offset: float, first: HeardWord, last: HeardWord) -> dict[str, float]:
    return {"start": round(offset + first.begin, 3), "end": round(offset + last.finish, 3)}
