"""Which model and which voice of a service.  In: what is wanted and what the service has.  Out: the name to ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from attrs import frozen

OPENAI_VOICES = tuple("alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split())
"""Those of OpenAI's API reference, "Create speech"; its API lists none."""

WOMEN = frozenset({"coral", "marin", "nova", "sage", "shimmer"})
NEITHER = frozenset({"alloy"})

KOKORO = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-br",
    "z": "cmn",
}
"""The languages of Kokoro's voices by their first letter; the second is f or m (VOICES.md of hexgrad/Kokoro-82M)."""


@frozen
class Traits:
    """``language`` is a tag as in en-us, ``sex`` f or m or nothing where it is not known."""

    language: str
    sex: str = ""

    @classmethod
    def of(cls, voice: str) -> Traits | None:
        """What the name of a voice tells, in the ways of Kokoro, OpenAI and espeak-ng; None if it tells nothing."""
        if kokoro := re.match(r"([abefhijpz])([fm])_", voice):
            return cls(KOKORO[kokoro[1]], kokoro[2])
        if voice in OPENAI_VOICES:
            return cls("en-us", "" if voice in NEITHER else "f" if voice in WOMEN else "m")
        if espeak := re.fullmatch(r"([a-z]{2,3}(?:-[a-z0-9]+)*)(?:\+([fm])\d)?", voice):
            return cls(espeak[1], espeak[2] or "")
        return None

    def likeness(self, other: Traits) -> int:
        """0 for another language; the same country and the same sex count more, in this order."""
        if self.language.partition("-")[0] != other.language.partition("-")[0]:
            return 0
        return 1 + 2 * (self.language == other.language) + (self.sex == other.sex)


def model_for(default: str, preferred: Sequence[str], offered: Collection[str]) -> str:
    """The first preferred one that is ``offered``, or the ``default`` if it is, or the first there is.

    Where nothing is known to be offered, the first preferred one, or the ``default``.
    """
    if not offered:
        return next(iter(preferred), default)
    return next((model for model in (*preferred, default) if model in offered), next(iter(offered)))


def preferred_voice(named: str | None, preferred: Sequence[str], offered: Sequence[str]) -> str | None:
    """The voice where none is asked for: the one ``named`` with the service, the first preferred one, or the first
    there is.

    Where nothing is known to be offered, the one named or None: the engine chooses.
    """
    if not offered:
        return named
    wanted = (*(() if named is None else (named,)), *preferred)
    return next((voice for voice in wanted if voice in offered), offered[0])


def closest_voice(asked: str, offered: Sequence[str], elsewhere: Collection[str]) -> str | None:
    """``asked`` if it is ``offered``, otherwise the one that is most like it; None is the engine's own.

    A voice that nobody has, neither here nor ``elsewhere``, and whose name tells nothing, is a mistake: the engine
    shall say so, and ``asked`` is returned as it is.  So it is where nothing is known to be offered.
    """
    if not offered or asked in offered:
        return asked
    traits = Traits.of(asked)
    best, likeness = None, 0
    for voice in offered:
        theirs = Traits.of(voice)
        if traits is not None and theirs is not None and (like := traits.likeness(theirs)) > likeness:
            best, likeness = voice, like
    if best is not None:
        return best
    return None if asked in elsewhere else asked


class Likenesses(Collection[str]):
    """The voices that an engine has, or takes another one for that is like them; ``offered`` says what it has now."""

    def __init__(self, offered: Callable[[], Sequence[str]]) -> None:
        self._offered = offered

    def __contains__(self, voice: object) -> bool:
        offered = self._offered()
        return isinstance(voice, str) and bool(offered) and closest_voice(voice, offered, {voice}) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._offered())

    def __len__(self) -> int:
        return len(self._offered())
