"""How long the present pause of the user is waited out: the turn says so, the detector of speech heeds it.

It is a level, not a queue: only the newest counts, and only for the pause it names.
"""

from __future__ import annotations

from attrs import define

from .messages import StreamId


@define
class Expectation:
    """The pause that began at ``pause`` in ``stream`` ends the utterance at ``until``, in seconds on the Trio clock."""

    stream: StreamId | None = None
    pause: float = 0.0
    until: float = 0.0

    def set(self, stream: StreamId, pause: float, until: float) -> None:
        self.stream, self.pause, self.until = stream, pause, until
