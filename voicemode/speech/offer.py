"""What a service has.  In: the names it lists.  Out: its models, sorted by what they are for, and its voices."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from actors.messages import Service

HEARS = re.compile(r"whisper|transcri|parakeet|canary|moonshine|voxtral|sensevoice|sphinx|(?<![a-z])(asr|stt)(?![a-z])")
SPEAKS = re.compile(r"kokoro|espeak|piper|orpheus|chatterbox|xtts|vibevoice|(?<![a-z])(tts|bark|csm|dia)(?![a-z])")
"""Words in the names of models that hear and of those that speak; what has neither is for neither."""


@frozen(kw_only=True)
class Offer:
    """The models of a service for hearing and for speaking, and its voices, in its own order; empty where it lists
    none."""

    stt: tuple[str, ...] = ()
    tts: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()

    @classmethod
    def of(cls, models: Sequence[str], voices: Sequence[str] = ()) -> Offer:
        named = [(name, name.lower()) for name in models]
        return cls(
            stt=tuple(name for name, words in named if HEARS.search(words)),
            tts=tuple(name for name, words in named if SPEAKS.search(words) and not HEARS.search(words)),
            voices=tuple(voices),
        )

    def models(self, service: Service) -> tuple[str, ...]:
        return self.stt if service == "stt" else self.tts
