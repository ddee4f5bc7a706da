"""Text on its way to a speech engine, checked at the door."""

from __future__ import annotations

from actors.errors import SettingsError
from actors.machines.sentences import is_speakable


def speakable(text: str) -> str:
    """``text`` as it is, if there is something in it to say; otherwise raises SettingsError saying why not."""
    if not text.strip():
        raise SettingsError("The text is empty: there is nothing to say.")
    if not is_speakable(text):
        raise SettingsError("The text has no letter or digit in it: there is nothing that can be spoken.")
    return text
