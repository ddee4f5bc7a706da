"""Answers of slow engines, kept on disk.  In: sound and who is asked.  Out: the answer and the seconds it took then."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from attrs import frozen


@frozen(kw_only=True)
class Answer:
    """``text`` of a recogniser or ``probability`` of a turn model, and how long it took."""

    seconds: float
    text: str | None = None
    probability: float | None = None


class Kept:
    """The answers of one engine to stretches of sound, in a file that grows by a line for each."""

    def __init__(self, folder: Path, engine: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{engine}.jsonl"
        lines = self._file.read_bytes().splitlines() if self._file.exists() else []
        self._answers = dict(msgspec.json.decode(line, type=tuple[str, Answer]) for line in lines)

    def get(self, pcm: bytes) -> Answer | None:
        return self._answers.get(_key(pcm))

    def keep(self, pcm: bytes, answer: Answer) -> None:
        self._answers[_key(pcm)] = answer
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode((_key(pcm), answer)) + b"\n")


def _key(pcm: bytes) -> str:
    return hashlib.sha256(pcm).hexdigest()[:24]
