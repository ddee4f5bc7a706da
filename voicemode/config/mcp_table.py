"""The settings of the server for agents: how long a call lasts, which tools there are, how much an answer tells.

They stand in ``table`` with all others.
"""

from __future__ import annotations

from .kinds import SECONDS, SWITCH, TEXT, choice
from .setting import Setting

MCP = (
    Setting(
        "VOICEMODE_MCP_CALL_LIMIT",
        SECONDS,
        "50",
        "After so many seconds a call answers, though the user is still listened to; the next one goes on.",
        "--call-limit",
    ),
    Setting(
        "VOICEMODE_TOOLS_ENABLED",
        TEXT,
        "",
        "The only tools that agents are offered, with commas between them; by default all.",
        "--tools-enabled",
    ),
    Setting(
        "VOICEMODE_TOOLS_DISABLED",
        TEXT,
        "",
        "Tools that agents are not offered, with commas between them.",
        "--tools-disabled",
    ),
    Setting(
        "VOICEMODE_METRICS_LEVEL",
        choice(("minimal", "summary", "verbose")),
        "summary",
        "How many timings an answer has.",
        "--metrics-level",
    ),
    Setting(
        "VOICEMODE_SESSION_ID",
        TEXT,
        "",
        "Whose turn it is among agents that share the voice, where a call does not say.",
        "--session-id",
    ),
    Setting(
        "VOICEMODE_SKIP_TTS",
        SWITCH,
        "false",
        "Whether nothing is spoken, and the user only listened to.",
        "--skip-tts",
    ),
)
