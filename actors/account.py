"""What became of the assistant's words in a turn: a frozen value that results, errors and events share."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class SpokenText:
    """``text`` is all that was to be said, as far as it is known, and ``heard`` the prefix of it that was heard."""

    text: str = ""
    heard: str = ""
    complete: bool = True
