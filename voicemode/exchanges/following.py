"""What is being kept, as it comes.  In: the directory of recordings, again and again.  Out: the new exchanges."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from attrs import define, field

from .exchange import Exchange
from .reading import Exchanges


@define
class Follower:
    """Begins at what is kept when it is made.  Its calls block and raise VoiceError."""

    kept: Exchanges
    _places: dict[Path, int] = field(factory=dict[Path, int], init=False)
    _day: date | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        for day, path in self.kept.files():
            self._day = day
            self._places[path] = _size(path)

    def last(self, count: int) -> list[Exchange]:
        """The last ``count`` that were there at the beginning."""
        found: list[Exchange] = []
        for path, size in reversed(self._places.items()):
            if len(found) < count:
                lines = _from(path, 0)[:size].split(b"\n")
                found = [*(each for line in lines if (each := self.kept.take(line)) is not None), *found]
        return found[-count:]

    def new(self) -> list[Exchange]:
        """What was written since the last call, as far as its lines are whole."""
        found: list[Exchange] = []
        for day, path in self.kept.files():
            if self._day is not None and day < self._day:
                continue
            place = self._places.get(path, 0)
            whole = _from(path, place)
            self._places[path] = place + len(whole)
            found += [exchange for line in whole.split(b"\n") if (exchange := self.kept.take(line)) is not None]
        return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _from(path: Path, place: int) -> bytes:
    """From ``place`` on, to the end of the last whole line."""
    try:
        with path.open("rb") as file:
            file.seek(place)
            data = file.read()
    except OSError:
        return b""
    return data[: data.rfind(b"\n") + 1]
