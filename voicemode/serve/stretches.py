"""Cuts a long recording where it is quiet.  In: a whole sound.  Out: stretches a recogniser takes one after the other.

Nothing is left out.  It keeps what a recogniser holds in memory small, lets others have their turn in between, and lets
a cancelled request end soon.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from attrs import evolve

from actors.messages import SAMPLE_BYTES

from ..audio.files import Sound

LONGEST = 60.0
"""Seconds of a stretch; the second half of it is where it may end."""

PAUSE = 0.2
"""Seconds over which loudness is taken: in the middle of the quietest is the cut."""


def stretches(sound: Sound) -> list[Sound]:
    """``sound`` in one piece if it is short.  Takes about 2 ms for a minute."""
    samples = np.frombuffer(sound.pcm, "<i2")
    pause, longest = round(PAUSE * sound.rate), round(LONGEST * sound.rate)
    cuts = [0]
    while len(samples) - cuts[-1] > longest:
        begin, end = cuts[-1] + longest // 2, cuts[-1] + longest
        windows = samples[begin : end - (end - begin) % pause].reshape(-1, pause).astype(np.float32)
        cuts.append(begin + int((windows**2).mean(axis=1).argmin()) * pause + pause // 2)
    cuts.append(len(samples))
    return [evolve(sound, pcm=sound.pcm[SAMPLE_BYTES * begin : SAMPLE_BYTES * end]) for begin, end in pairwise(cuts)]
