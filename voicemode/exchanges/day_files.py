"""Where exchanges and events are kept.  In: the directory of recordings, a day.  Out: the file of that day."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

from attrs import frozen


@frozen
class DayFiles:
    """The files of one kind, one a day."""

    folder: str
    stem: str

    def within(self, base: Path) -> Path:
        return base / "logs" / self.folder

    def path(self, base: Path, day: date) -> Path:
        return self.within(base) / f"{self.stem}_{day:%Y-%m-%d}.jsonl"

    def all(self, base: Path) -> list[tuple[date, Path]]:
        """Those there are, oldest first.  Raises OSError."""
        found: list[tuple[date, Path]] = []
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in self.within(base).iterdir():
                if path.suffix == ".jsonl" and path.stem.startswith(f"{self.stem}_"):
                    with suppress(ValueError):
                        found.append((date.fromisoformat(path.stem.removeprefix(f"{self.stem}_")), path))
        return sorted(found)


EXCHANGES = DayFiles("conversations", "exchanges")
EVENTS = DayFiles("events", "voicemode_events")
TELEMETRY = DayFiles("telemetry", "voicemode_telemetry")
