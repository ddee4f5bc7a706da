"""One side's voice over the time of a conversation, as it is drawn in its timeline."""

from __future__ import annotations

from attrs import field, frozen

from actors.messages import SAMPLE_BYTES, seconds_of


@frozen(kw_only=True)
class Track:
    """Signed 16-bit little-endian mono ``pcm`` at ``rate`` Hz that begins at ``start``, on the clock of the events."""

    pcm: bytes = field(repr=False)
    rate: int
    start: float

    @property
    def end(self) -> float:
        return self.start + seconds_of(self.pcm, self.rate)

    def sounds_until(self, at: float) -> float:
        """The end of the last sample before ``at`` that is not zero; ``start`` when there is none."""
        samples = max(0, round((at - self.start) * self.rate))
        sounding = len(self.pcm[: SAMPLE_BYTES * samples].rstrip(b"\0"))
        return self.start + -(-sounding // SAMPLE_BYTES) / self.rate
