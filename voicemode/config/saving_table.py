"""The settings of what is written down of a conversation, and for how long it is kept.

They stand in ``table`` with all others.
"""

from __future__ import annotations

from typing import get_args

from ..settings import Telemetry
from .kinds import DAYS, MEGABYTES, SWITCH, choice
from .setting import ANY, YES, Setting

SAVING = (
    Setting(
        "VOICEMODE_SAVE_TRANSCRIPTIONS",
        SWITCH,
        "false",
        "Whether what you and the assistant say is written down, for voicemode exchanges.",
        field="save_transcriptions",
        theirs=YES,
    ),
    Setting(
        "VOICEMODE_SAVE_ALL",
        SWITCH,
        "false",
        "Whether VOICEMODE_SAVE_AUDIO and VOICEMODE_SAVE_TRANSCRIPTIONS are on where they are not given.",
        theirs=YES,
        stands_for=("VOICEMODE_SAVE_AUDIO", "VOICEMODE_SAVE_TRANSCRIPTIONS"),
    ),
    Setting(
        "VOICEMODE_EVENT_LOG_ENABLED",
        SWITCH,
        "false",
        "Whether it is written down when each phase of a turn began and ended.",
        field="event_log",
        theirs=YES,
    ),
    Setting(
        "VOICEMODE_TELEMETRY",
        choice(get_args(Telemetry)),
        "none",
        "Where spans and figures of the turns go: into a file, to OpenTelemetry, or both.",
        field="telemetry",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_TELEMETRY_CONTENT",
        SWITCH,
        "false",
        "Whether what you and the assistant say is in them.",
        field="telemetry_content",
        theirs=YES,
    ),
    Setting(
        "VOICEMODE_KEEP_DAYS",
        DAYS,
        "0",
        "How many days what was saved is kept; 0 is for ever.",
        field="keep_days",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_KEEP_MEGABYTES",
        MEGABYTES,
        "0",
        "How many megabytes of what was saved are kept, the oldest goes first; 0 is all.",
        field="keep_megabytes",
        theirs=ANY,
    ),
)
