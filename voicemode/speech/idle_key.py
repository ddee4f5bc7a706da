"""A key that is there and not used.  In: the settings.  Out: a sentence about it, for whoever wonders who speaks.

Who comes from VoiceMode 8, where a key was enough, would otherwise hear another engine and not know why.
"""

from __future__ import annotations

import os

from ..settings import Settings
from .endpoint_name import OPENAI, OPENAI_KEY, EndpointName
from .place import same_service
from .plan import Planned, is_auto, planned

IDLE_KEY = "There is a key for OpenAI, which is not used: VOICEMODE_ALLOW_REMOTE is off."


def idle_key(settings: Settings) -> str | None:
    """``IDLE_KEY`` if OpenAI could be asked and is not.  Raises SettingsError for engines that cannot be read."""
    keys = settings.keys or os.environ
    if settings.allow_remote or not keys.get(OPENAI_KEY, "").strip():
        return None
    if not (is_auto(settings, "stt") or is_auto(settings, "tts")):
        return None
    named = [*planned(settings, "stt", (), keys), *planned(settings, "tts", (), keys)]
    return None if any(map(_is_openai, named)) else IDLE_KEY


def _is_openai(plan: Planned) -> bool:
    return isinstance(plan.name, EndpointName) and same_service(plan.name.url) == same_service(OPENAI)
