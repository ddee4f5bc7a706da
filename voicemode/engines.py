"""What makes engines of yours out of a function, and the engines that there are, by their names."""

from __future__ import annotations

from .speech.own import recogniser as recogniser, voice as voice
from .speech.own_live import live_recogniser as live_recogniser
from .speech.registry import (
    load_speech_model as load_speech_model,
    load_speech_to_text as load_speech_to_text,
    load_text_to_speech as load_text_to_speech,
    load_turn_model as load_turn_model,
    release as release,
)
