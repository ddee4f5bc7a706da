"""Names that become names of files.  In: what somebody calls a user, a team or a recipient.  Out: the same, or a refusal.

No name leads out of its directory, hides there, or is taken for an option of a command.
"""

from __future__ import annotations

import re

from actors.errors import SettingsError

LONGEST = 64
"""Characters."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def checked(kind: str, name: str) -> str:
    """``name``, which is that of a ``kind``, as in "user".  Raises SettingsError."""
    if len(name) <= LONGEST and _NAME.fullmatch(name):
        return name
    raise SettingsError(
        f"{name[:LONGEST]!r} cannot be the name of a {kind}: it has 1 to {LONGEST} letters from a to z, digits, dots, "
        "underscores and hyphens, and begins with a letter, a digit or an underscore."
    )
