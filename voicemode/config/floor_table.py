"""The settings of the floor: how agents that share one voice take turns.  They stand in ``table`` with all others."""

from __future__ import annotations

from ..settings import OFTENEST, RAREST
from .kinds import SECONDS_OR_NONE, SWITCH, number
from .setting import Setting

FLOOR = (
    Setting(
        "VOICEMODE_CONCH_ENABLED",
        SWITCH,
        "true",
        "Whether agents that share the voice take turns at it.",
        field="floor",
    ),
    Setting(
        "VOICEMODE_CONCH_TIMEOUT",
        SECONDS_OR_NONE,
        "300",
        "How many seconds an agent that wants to wait for the voice waits, unless it says so itself.",
        field="floor_wait",
    ),
    Setting(
        "VOICEMODE_CONCH_CHECK_INTERVAL",
        number(OFTENEST, RAREST),
        "0.5",
        "After how many seconds it looks again; the next in the queue looks ten times as often.",
        field="floor_check",
    ),
    Setting(
        "VOICEMODE_CONCH_HOLD_EXPIRY",
        SECONDS_OR_NONE,
        "10",
        "For how many seconds an agent that wants to go on keeps the voice between two turns.",
        field="floor_hold",
    ),
)
