"""What is known of one setting: how its value is written, what it is for, what it sets and who may give it."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from attrs import frozen

from .kinds import SECRET, Kind

FileOf: TypeAlias = Literal["project", "user"]

ANY = r".*"
YES = r"(?i)(?!\s*(false|no|off|0|f|n)?\s*$).*"
"""What of a setting may stand in no project's file: whatever it is, or anything but that it is switched off."""


@frozen
class Setting:
    """``default`` is written as in a file, empty where there is none.

    ``option`` is the option of the command line with the same effect, ``field`` the path of what it sets in
    ``Settings``, where a number is 1 for ``per`` here.  ``theirs`` matches the values that a project's file may not
    give: who wrote the project would decide where the user's words and keys go, or which file is overwritten.  Secrets
    are in no project's file.  ``stands_for`` are switches that this one turns on where nothing is said of them.
    """

    name: str
    kind: Kind
    default: str
    doc: str
    option: str | None = None
    field: str | None = None
    per: int = 1
    theirs: str | None = None
    stands_for: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        return self.kind is SECRET

    def parse(self, text: str) -> object:
        """The value; None for an empty text that has no default either.  Raises ValueError."""
        text = text or self.default
        return self.kind.parse(text) if text else None

    def kept_from(self, file: FileOf, text: str) -> str | None:
        """Why ``file`` may not give it the value ``text``, or None if it may."""
        if self.secret and file == "project":
            return "keys are read from the environment and from your own file alone"
        if file == "project" and self.theirs is not None and re.fullmatch(self.theirs, text, re.DOTALL):
            return "a project's file may not decide this, your own may"
        return None
