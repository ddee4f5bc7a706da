"""One utterance of the user as the dialogue knows it, from its first voiced window to its transcript.

In: pauses, goings-on, drafts and judgements.  Out: what to ask for, and how long the present pause is waited out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from attrs import define

from ..messages import Drafted, StreamId, Transcript, TurnId, Utterance
from ..orders import Command, Draft, DraftFailed, DropDraft, Evidence, Expect, Follow, TurnJudged
from .drafts import Drafts
from .finished import Finish, looks_finished
from .pauses import Pauses
from .policy import TurnPolicy
from .spoken_commands import command_in
from .turn_delay import turn_delay


@define
class Pause:
    """The user has been silent ``since``; ``sound`` is how likely they are done by the sound, if that was told, and
    ``judging`` whether that is still to come."""

    since: float
    judging: bool = False
    sound: float | None = None


@define
class Voice:
    """``meant`` once it is taken for an answer or an interruption and no longer for a noise; ``pause`` is set while
    they pause, ``quiet_since`` once an utterance between two turns has fallen silent, or one over the assistant that
    did not interrupt it and may yet be the answer; ``ended`` is the end of its last voiced window.
    """

    number: int
    began: float
    meant: bool
    drafts: Drafts
    pause: Pause | None = None
    quiet_since: float | None = None
    ended: float | None = None
    utterance: Utterance | None = None
    transcript: Transcript | None = None
    obeyed: bool = False
    """Whether what the transcript tells the machine has been seen to."""

    def mean(self, turn: TurnId, until: float, evidence: Evidence) -> Iterator[Command]:
        """It is meant after all; ``until`` now there is sound of it."""
        self.meant = True
        if self.pause is None:
            yield from self.follow(turn, evidence)
        elif self.drafts.unasked:
            yield from self.paused(turn, self.pause.since, until, evidence)

    def follow(self, turn: TurnId, evidence: Evidence) -> Iterator[Command]:
        """A recogniser that takes sound while it comes is given it from now on, unless it has it already."""
        if evidence.live and evidence.drafts and (draft := self.drafts.follow()):
            yield Follow(turn, draft)

    def paused(self, turn: TurnId, since: float, until: float, evidence: Evidence) -> Iterator[Command]:
        """They fell silent at ``since``, and ``until`` now there is sound of them."""
        draft = self.drafts.ask() if evidence.drafts else None
        self.pause = Pause(since, judging=evidence.sound and draft is not None)
        if draft is not None:
            yield Draft(turn, draft, until)

    def resumed(self, turn: TurnId, at: float, evidence: Evidence, pauses: Pauses) -> Iterator[Command]:
        if self.pause is not None:
            pauses.feed(max(0.0, at - self.pause.since))
            self.pause = None
        if dropped := self.drafts.go_on():
            yield DropDraft(dropped)
        yield from self.follow(turn, evidence)

    def close_draft(self, turn: TurnId, until: float) -> Iterator[Command]:
        """The utterance is cut here while a recogniser is being given it: that is all there is."""
        if self.drafts.following and (draft := self.drafts.ask()):
            yield Draft(turn, draft, until)

    def told(self, event: Drafted | DraftFailed | TurnJudged) -> bool:
        """Whether ``event`` says anything of what was said, all of it."""
        match event:
            case Drafted():
                return self.drafts.answered(event.draft, event.transcript)
            case DraftFailed():
                return self.drafts.failed(event.draft)
            case TurnJudged():
                if self.pause is None or not self.pause.judging or event.draft != self.drafts.current:
                    return False
                self.pause.judging, self.pause.sound = False, event.probability
                return True

    def expect(
        self, stream: StreamId, listening: float, phrases: tuple[str, ...], policy: TurnPolicy, pauses: Pauses
    ) -> Iterator[Command]:
        """How long the present pause is waited out by what is known now; they are listened to since ``listening``."""
        if self.pause is None:
            return
        until = inf
        if not policy.ignore_silence:
            patience = self._patience(self.pause, phrases, policy, pauses)
            until = max(self.pause.since + patience, listening + policy.least)
        yield Expect(stream=stream, pause=self.pause.since, until=until)

    def _patience(self, pause: Pause, phrases: tuple[str, ...], policy: TurnPolicy, pauses: Pauses) -> float:
        if self.drafts.outstanding:
            # the answer has to be waited for anyway, and it may say that they are not done
            return policy.delay.longest
        words: Finish | None = None
        if self.drafts.transcript is not None:
            if command_in(self.drafts.transcript.text, policy.spoken) is not None:
                return 0.0
            expected = self.drafts.transcript.text in phrases
            words = "done" if expected else looks_finished(self.drafts.transcript.text)
        patience = turn_delay(policy.delay, words=words, sound=pause.sound, pauses=pauses)
        # a model that takes its time is not waited for as long as a transcript, without which there is no answer
        return max(patience, policy.delay.unknown) if pause.judging else patience
