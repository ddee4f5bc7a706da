"""Conversations that are observed, and what is told of them, under a virtual clock: threads would not be waited for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve

from tests.conversing import WITHOUT_DRAFTS
from tests.telemetry.happening import check
from voicemode import Settings
from voicemode.telemetry.batch import Batch
from voicemode.telemetry.observer import Observer
from voicemode.telemetry.stages import Stages
from voicemode.telemetry.values import Span


def told_to(base: Path, settings: Settings = WITHOUT_DRAFTS, **known: Any) -> Settings:
    return evolve(settings, **({"base_dir": base, "telemetry": "jsonl"} | known))


def files(base: Path) -> list[Path]:
    return sorted(base.rglob("*.jsonl"))


def lines(base: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in files(base) for line in path.read_text().splitlines()]


def metrics(base: Path) -> dict[str, list[dict[str, Any]]]:
    """The last that were told, by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in [line for line in lines(base) if line["kind"] == "metrics"][-1]["metrics"]:
        found.setdefault(row["name"], []).append(row)
    return found


@define
class Told:
    """``batches`` as they were handed on, and the observers that made them."""

    batches: list[Batch]
    observers: list[Observer]

    @property
    def turns(self) -> list[tuple[Span, ...]]:
        return [batch.spans for batch in self.batches if batch.spans]

    @property
    def turn(self) -> dict[str, Span]:
        """The spans of the only turn, by name."""
        [spans] = self.turns
        return {span.name: span for span in spans}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What is handed on, which is exported in the loop."""
    seen = Told([], [])

    def watched(stages: Stages, put: Callable[[Batch], None], *rest: Any) -> Observer:
        def keep(batch: Batch) -> None:
            if batch.spans:
                check(batch.spans)
            seen.batches.append(batch)
            put(batch)

        observer = Observer(stages, keep, *rest)
        seen.observers.append(observer)
        return observer

    async def here(work: Callable[[], None], _: trio.CapacityLimiter) -> None:
        await trio.lowlevel.checkpoint()
        work()

    monkeypatch.setattr("voicemode.telemetry.observing.Observer", watched)
    monkeypatch.setattr("voicemode.telemetry.writer.in_thread", here)
    return seen
