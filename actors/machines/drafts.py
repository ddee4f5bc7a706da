"""The transcripts made of one utterance before its end is certain: pauses and answers in, whom to ask and drop out.

Each draft is of all that was said until then.  When the user goes on it is of no use; when they do not, it is the
transcript, and nobody has waited for it.
"""

from __future__ import annotations

from typing import Literal

from attrs import define, field

from ..messages import DraftId, Transcript
from ..results import Speculation


@define
class Drafts:
    """At most ``most`` are asked for.  ``transcript`` is what the latest came to while it is of all that was said, and
    ``used`` whether it was taken for the transcript of the utterance."""

    utterance: int
    most: int
    transcript: Transcript | None = field(default=None, init=False)
    used: bool = field(default=False, init=False)
    _made: int = field(default=0, init=False)
    _wasted: int = field(default=0, init=False)
    _state: Literal["none", "following", "asked", "there", "failed"] = field(default="none", init=False)

    @property
    def current(self) -> DraftId:
        return DraftId(self.utterance, self._made)

    @property
    def unasked(self) -> bool:
        """Whether nothing has been asked of all that was said."""
        return self._state == "none"

    @property
    def following(self) -> bool:
        """Whether a recogniser is being given the utterance while it is said."""
        return self._state == "following"

    @property
    def outstanding(self) -> bool:
        """Whether the transcript of all that was said is on its way."""
        return self._state == "asked"

    def follow(self) -> DraftId | None:
        """Begin one that ends later, unless there is one or there have been enough."""
        if self._state != "none" or self._made >= self.most:
            return None
        self._made += 1
        self._state = "following"
        return self.current

    def ask(self) -> DraftId | None:
        """The one that ends here, unless there have been enough."""
        if self._state == "none" and self.follow() is None:
            return None
        if self._state != "following":
            return None
        self._state = "asked"
        return self.current

    def go_on(self) -> DraftId | None:
        """More is being said; the one that is of no use any more, if there was one."""
        if self._state not in {"asked", "there", "failed"}:
            return None
        self._wasted += 1
        self._state, self.transcript = "none", None
        return self.current

    def answered(self, draft: DraftId, transcript: Transcript) -> bool:
        """Whether ``transcript`` is of all that was said."""
        if draft != self.current or self._state != "asked":
            return False
        self._state, self.transcript = "there", transcript
        return True

    def failed(self, draft: DraftId) -> bool:
        """Whether nothing will come of the one that was waited for."""
        if draft != self.current or self._state not in {"following", "asked"}:
            return False
        if self._state == "following":
            # nobody has waited for it yet, and there may be another
            self._wasted += 1
            self._state = "none"
            return False
        self._state = "failed"
        return True

    def give_up(self) -> DraftId | None:
        """Nobody wants to know any more; the one that was begun, if there is one."""
        begun, self._state = self._state, "failed"
        return self.current if begun in {"following", "asked"} else None

    @property
    def account(self) -> Speculation:
        return Speculation(drafts=self._made, wasted=self._wasted, used=self.used)
