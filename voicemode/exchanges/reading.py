"""What was kept, read back.  In: the directory of recordings.  Out: exchanges, oldest first.

Lines that are none, as a crash leaves them or a later version writes them, are passed over and counted.  All of it
blocks: call it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from attrs import define, field

from actors.errors import VoiceError

from .day_files import EXCHANGES
from .exchange import Exchange, parsed


@define
class Exchanges:
    """Iterate over it for those kept from the day ``since`` to the day ``until``; ``broken`` lines were among them so
    far.  Raises VoiceError for a directory or a file that cannot be read."""

    base: Path
    since: date | None = None
    until: date | None = None
    broken: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[Exchange]:
        for _, path in self.files():
            yield from self.read(path)

    def files(self) -> list[tuple[date, Path]]:
        try:
            files = EXCHANGES.all(self.base)
        except OSError as error:
            raise _unreadable(EXCHANGES.within(self.base), error) from error
        return [
            (day, path)
            for day, path in files
            if (self.since is None or day >= self.since) and (self.until is None or day <= self.until)
        ]

    def read(self, path: Path) -> Iterator[Exchange]:
        try:
            with path.open("rb") as file:
                for line in file:
                    if (exchange := self.take(line)) is not None:
                        yield exchange
        except FileNotFoundError:
            return  # it was too old, and has just been removed
        except OSError as error:
            raise _unreadable(path, error) from error

    def take(self, line: bytes) -> Exchange | None:
        if not line.strip():
            return None
        exchange = parsed(line)
        self.broken += exchange is None
        return exchange


def recent(base: Path, count: int) -> list[Exchange]:
    """The last ``count`` exchanges kept in ``base``, the settings' ``base_dir``, oldest first; fewer where there are
    not so many.  Blocks.  Raises VoiceError."""
    kept = Exchanges(base)
    found: list[Exchange] = []
    for _, path in reversed(kept.files()):
        if len(found) >= count:
            break
        found = [*kept.read(path), *found]
    return found[-count:] if count > 0 else []


def _unreadable(path: Path, error: OSError) -> VoiceError:
    return VoiceError(f"{path} cannot be read: {error.strerror or error}.")
