"""The straight way from the loudspeaker to the microphone: what was played and what is heard in, the rest of it out.

It only subtracts, so it leaves a user who speaks at the same time as they are.  Echo that the straight model cannot
explain remains; what comes after it has less to suppress, and harms the user less.

To learn a way takes seconds (``echo_filter``).  So it is remembered as it was when it was known well, and looked for
near by when it is lost (``echo_memory``), which takes 0.2 s.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from .echo_filter import FRAME, PARTITIONS, EchoFilter, Samples
from .echo_memory import REACH, found_again

LATEST = 10
"""Frames by which what was played may be told late, and one."""

COMPARED = 20
"""Frames that a remembered way has to explain: fewer may be explained by chance."""

PAUSE = 5
"""Frames between two attempts to find the way again."""

FOLLOWING, NOTICING = 0.1, 0.3
"""How fast the energies of frames are followed where it is to be sure, and where it is to be quick."""

WORSE = 1.5
"""From how much more energy in what is left than in what was heard on the way must have changed, and is forgotten."""

LOST = 0.3
"""Share of what is heard that is left, from which on the way is looked for: it has changed, or the user speaks, and
then nothing is found."""

BETTER = 0.5
"""Share of what is left, than which one that was found has to leave less."""

KNOWN, CLEAR = 0.03, 0.003
"""Shares of what is heard that are left, up to which the way is worth remembering, and nobody hears an echo."""

LASTING = 50
"""Frames in a row for which that has to be so."""

AMISS = 1.6
"""From how much more energy in echo and rest together than in what was heard on something was subtracted that was not
there: the sides have moved.  A user who speaks leaves them as they are."""

_FULL_SCALE = np.float32(32768)


class EchoPath:
    """Frames are of 10 ms at 16 kHz, signed 16-bit.  Takes 0.2 ms for a frame, and 1 ms more where it looks around."""

    def __init__(self) -> None:
        self._filter = EchoFilter()
        self._recent: deque[Samples] = deque(maxlen=PARTITIONS + COMPARED + -(-REACH // FRAME))
        self._heard: deque[Samples] = deque(maxlen=COMPARED)
        self._left: deque[float] = deque(maxlen=COMPARED)
        self._remembered: Samples | None = None
        self._remembered_clear = False
        self.shift()

    def shift(self) -> None:
        """What is played and what is heard have moved against one another in time, as when the microphone opens."""
        self._recent.clear()
        self._recent.extend([np.zeros(FRAME, np.float32)] * LATEST)
        self._heard.clear()
        self._left.clear()
        self._found = self._learnt = False
        self._owed = self._frames = self._known = 0
        self._heard_energy = self._left_energy = 0.0
        self._quick = np.zeros(3)
        self._filter.forget_played()
        self._forget()

    @property
    def clear(self) -> bool:
        """Whether nothing that could be heard is left of the echo, however loud the user is."""
        return self._clear

    @property
    def found(self) -> bool:
        """Whether the way that was known before the sides moved has been found again."""
        return self._found

    @property
    def lost(self) -> bool:
        """Whether there is a way to be found again: one is known from before, and neither it nor another one since."""
        return self._remembered is not None and not (self._found or self._learnt)

    def play(self, reference: bytes) -> None:
        """The next 10 ms of what was played, be it late."""
        if self._owed:
            self._owed -= 1
            self._recent[self._owed] = _floats(reference)
            for late in range(max(0, self._owed - 1), self._owed + 1):
                self._filter.correct(self._recent, late)
        else:
            self._push(_floats(reference))

    def expect(self, owed: int) -> None:
        """So many times 10 ms of what was played by now are not known yet: they are silence until ``play`` tells.

        The echo of what was played last is still on its way, so that little harm is done.
        """
        while self._owed < min(owed, LATEST - 1):
            self._push(np.zeros(FRAME, np.float32))
            self._owed += 1

    def _push(self, new: Samples) -> None:
        self._recent.appendleft(new)
        self._filter.play(self._recent)

    def remove(self, heard: bytes) -> bytes:
        """``heard``, 10 ms, without what is known to be echo of what was played until now; learns from the rest."""
        sound = _floats(heard)
        echo = self._filter.explain()
        left: Samples = sound - echo
        self._filter.learn(left)
        self._heard.append(sound)
        self._follow(float(sound @ sound), float(echo @ echo), float(left @ left))
        scaled: NDArray[np.int16] = np.clip(np.rint(left * _FULL_SCALE), -32768, 32767).astype("<i2")
        return scaled.tobytes()

    def _follow(self, heard: float, echo: float, left: float) -> None:
        """Doubt the way, forget, remember or look for it, by the energies of a frame, its echo and what is left."""
        self._left.append(left)
        self._heard_energy += FOLLOWING * (heard - self._heard_energy)
        self._left_energy += FOLLOWING * (left - self._left_energy)
        self._quick += NOTICING * (np.array([heard, echo, left]) - self._quick)
        heard_now, echo_now, left_now = self._quick
        if echo_now + left_now > AMISS * heard_now:
            self._clear = False
        if self._left_energy > WORSE * self._heard_energy:
            self._forget()
        self._known = self._known + 1 if self._left_energy < KNOWN * self._heard_energy else 0
        if self._known == LASTING:
            self._known, self._learnt = 0, True
            self._clear = self._clear or self._left_energy < CLEAR * self._heard_energy
            self._remembered, self._remembered_clear = self._filter.response, self._clear
        self._frames += 1
        if self._left_energy > LOST * self._heard_energy and not self._frames % PAUSE:
            self._look()

    def _forget(self) -> None:
        self._filter.forget()
        self._left_energy = self._heard_energy
        self._clear = False

    def _look(self) -> None:
        """Look for the way that is remembered, and go on with it if it explains better what was heard."""
        if self._remembered is None or len(self._recent) < COMPARED + LATEST:
            return
        heard, played = np.concatenate(self._heard), np.concatenate(list(reversed(self._recent)))
        found = found_again(self._remembered, played, heard)
        if found is not None and found.unexplained * float(heard @ heard) < BETTER * sum(self._left):
            self._filter.response = found.response
            self._clear, self._found = self._remembered_clear, True
            self._left.clear()
            self._left_energy = found.unexplained * self._heard_energy
            self._quick[:] = 0.0


def _floats(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE
