"""A conversation that shows what there is: a greeting, two questions, a barge-in, a silence."""

from __future__ import annotations

from pathlib import Path

SCRIPT = Path(__file__).with_name("conversation.toml")
"""Held by ``load_script`` and ``run_script`` in about half a minute."""
