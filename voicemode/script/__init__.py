"""Headless conversations: a TOML file of who says what and what is to come of it, run and judged.

    report = await run_script(load_script(path))

General layout: ``load`` reads a file (``model``, ``rules``, ``complaints`` and ``locate`` are what it checks against),
``runner`` holds the conversation with ``user`` as its other side, ``expectations`` judges, ``report`` is what is left.
"""

from __future__ import annotations

from .expectations import Check as Check
from .load import Script as Script, load_script as load_script
from .recording import Recording as Recording
from .report import (
    Happening as Happening,
    Latency as Latency,
    ScriptReport as ScriptReport,
    StepReport as StepReport,
    StepStarted as StepStarted,
    as_json as as_json,
    latency_rows as latency_rows,
)
from .runner import run_script as run_script
