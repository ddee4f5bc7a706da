"""The outside of a dialogue: its commands in, each judged as it comes; what is owed for them stands here."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from actors.machines.barge_in import BargeInPolicy, Manners
from actors.machines.dialogue import Dialogue
from actors.machines.policy import TurnPolicy
from actors.machines.spoken_commands import SpokenCommands
from actors.messages import Chime, Drafted, DraftId, StreamId, Transcript, TurnId, Utterance
from actors.orders import (
    BeginUtterance,
    CloseMicrophone,
    Command,
    Draft,
    DropDraft,
    DropUtterance,
    Duck,
    EndUtterance,
    Evidence,
    Expect,
    Fail,
    Finish,
    FinishSentence,
    Follow,
    GoOn,
    Hold,
    Hush,
    OpenMicrophone,
    PlayChime,
    Repeat,
    Settle,
    Speak,
    TellAway,
    TellBack,
    Transcribe,
    Understood,
)

TEXT = "One two three."

WORDS = ("", "yes", "I would and", "mhm", "please stop", "what", "wait", "so it is over", "goodbye")
SPOKEN = SpokenCommands(end=("over",), stop=("goodbye",))


def drafted(turn: TurnId, draft: DraftId, text: str) -> Drafted:
    return Drafted(turn=turn, at=0.0, draft=draft, transcript=Transcript(text=text, engine="ears", seconds=0.05))


class Outside(RuleBasedStateMachine):
    """Does what the dialogue says and takes down what it owes it; nothing happens by itself."""

    @initialize(
        interruptible=st.booleans(),
        wait=st.sampled_from([0.0, 3.0, 10.0]),
        mends=st.booleans(),
        manners=st.sampled_from(["interrupt", "finish_sentence", "pause_and_resume", "ignore"]),
        drafts=st.sampled_from([0, 1, 4]),
        min_words=st.sampled_from([0, 2]),
        protected=st.sampled_from([0.0, 1.0]),
        ignore_silence=st.booleans(),
    )
    def open(
        self,
        interruptible: bool,
        wait: float,
        mends: bool,
        manners: Manners,
        drafts: int,
        min_words: int,
        protected: float,
        ignore_silence: bool,
    ) -> None:
        self.dialogue = Dialogue(
            TurnPolicy(
                interruptible=interruptible,
                device_wait=wait,
                drafts=drafts,
                spoken=SPOKEN,
                ignore_silence=ignore_silence,
                barge_in=BargeInPolicy(manners=manners, min_words=min_words, protected=protected),
            )
        )
        self.mends = mends
        self.now = 0.0
        self.turn = 0
        self.running = self.keep = self.abandoned = False
        self.endings: dict[int, int] = {}
        self.speaks: list[int] = []
        self.hushed: set[int] = set()
        self.talking: int | None = None
        self.stream: StreamId | None = None
        self.microphone_works = self.in_speech = self.in_pause = False
        self.voice_ended = 0.0
        self.speaker_works = True
        self.chimes: list[Chime] = []
        self.open_takes: set[int] = set()
        self.closed_takes: set[int] = set()
        self.owed_utterances: list[int] = []
        self.owed_transcripts: list[TurnId] = []
        self.evidence = Evidence()
        self.lowered: type[Duck | Hold] | None = None
        self.lowered_at = 0.0
        self.finishing = self.sounded = self.away = False
        self.drafts: set[DraftId] = set()
        self.followed: list[DraftId] = []
        self.owed_drafts: list[DraftId] = []
        self.dropped: list[DraftId] = []
        self.owed_judgements: list[DraftId] = []
        self.on_disk: set[int] = set()
        self.transcribed: set[int] = set()

    def feed(self, event: object) -> None:
        for command in self.dialogue.feed(event, self.now):  # type: ignore[arg-type]  # any input there is
            self.obey(command)

    def obey(self, command: Command) -> None:
        match command:
            case OpenMicrophone(stream):
                assert self.stream is None
                self.stream, self.microphone_works = stream, False
            case CloseMicrophone():
                assert self.stream is not None
                self.stream, self.in_speech, self.in_pause = None, False, False
            case PlayChime(turn, chime):
                assert turn == self.turn
                assert chime not in self.chimes
                assert chime == "captured" or not self.open_takes
                assert chime == "captured" or self.talking is None
                self.chimes.append(chime)
            case Speak(turn):
                assert turn == self.turn
                assert turn not in self.speaks
                assert turn not in self.hushed
                assert self.talking is None
                self.speaks.append(turn)
                self.begin_to_talk(turn)
            case Repeat(turn):
                assert turn == self.turn
                assert self.talking is None
                self.chimes = []
                self.begin_to_talk(turn)
            case Hush(turn, _):
                assert turn == self.talking
                assert turn not in self.hushed
                self.hushed.add(turn)
                self.lowered = None
            case Duck(turn) | Hold(turn):
                assert turn == self.talking
                assert turn not in self.hushed
                assert self.lowered is None
                assert isinstance(command, Hold) == self.dialogue.policy.barge_in.holds
                self.lowered, self.lowered_at = type(command), self.now
            case GoOn(turn):
                assert turn == self.talking
                assert self.lowered is not None
                self.lowered = None
            case FinishSentence(turn):
                assert turn == self.talking
                assert turn not in self.hushed
                assert self.sounded
                self.finishing = True
            case Follow(turn, draft):
                assert turn == self.turn
                assert self.evidence.live
                self.make_draft(draft)
                self.followed.append(draft)
            case Draft(turn, draft, _):
                assert turn == self.turn
                if draft in self.followed:
                    self.followed.remove(draft)
                else:
                    self.make_draft(draft)
                self.owed_drafts.append(draft)
                if self.evidence.sound:
                    self.owed_judgements.append(draft)
            case DropDraft(draft):
                assert draft in self.drafts
                assert draft not in self.dropped
                self.dropped.append(draft)
                for owed in (self.followed, self.owed_drafts, self.owed_judgements):
                    if draft in owed:
                        owed.remove(draft)
            case Expect(stream=stream, pause=pause):
                assert (stream, pause) == (self.stream, self.voice_ended)
                assert self.in_pause
            case Understood(turn, recording, _):
                assert turn == self.turn
                self.take_as_understood(recording)
            case Settle():
                # the user is listened to anew
                self.chimes = []
            case TellAway(turn, since):
                assert turn == self.turn
                assert since <= self.now
                assert not self.away
                self.away = True
            case TellBack(turn):
                assert turn == self.turn
                assert self.away
                self.away = False
            case BeginUtterance(number=number):
                assert not self.open_takes
                assert number not in self.closed_takes
                self.open_takes.add(number)
            case EndUtterance(number=number):
                self.open_takes.remove(number)
                self.closed_takes.add(number)
                self.owed_utterances.append(number)
            case DropUtterance(number):
                self.open_takes.remove(number)
                self.closed_takes.add(number)
            case Transcribe(turn, recording):
                assert not self.owed_drafts
                self.take_as_understood(recording)
                self.owed_transcripts.append(turn)
            case Finish(final):
                assert final.spoken.text.startswith(final.spoken.heard)
                assert final.turn == self.turn
                assert (final.outcome == "heard") <= bool(final.transcript)
                gone = [loss.device for loss in final.losses if loss.seconds is None]
                assert len(gone) == len(set(gone))
                assert ("speaker" in gone) == (not self.speaker_works)
                guessed = final.speculation
                assert guessed.wasted + guessed.used <= guessed.drafts <= self.dialogue.policy.drafts
                self.end()
            case Fail(turn, _):
                assert turn == self.turn
                self.end()

    def end(self) -> None:
        assert self.running
        assert self.talking is None or self.abandoned
        self.running = False
        # whoever carries the turn out waits for all it started before the next one begins
        self.talking = self.lowered = None
        for owed in (self.owed_transcripts, self.owed_drafts, self.owed_judgements, self.followed):
            owed.clear()
        self.endings[self.turn] = self.endings.get(self.turn, 0) + 1

    def begin_to_talk(self, turn: int) -> None:
        self.talking, self.lowered, self.finishing, self.sounded = turn, None, False, False
        self.hushed.discard(turn)

    def make_draft(self, draft: DraftId) -> None:
        assert self.evidence.drafts
        assert draft not in self.drafts
        assert not self.followed
        assert not self.owed_drafts
        assert draft.number <= self.dialogue.policy.drafts
        self.drafts.add(draft)

    def take_as_understood(self, recording: Utterance) -> None:
        """Whatever is understood has been recorded, and once is enough."""
        assert recording.number in self.on_disk
        assert recording.number not in self.transcribed
        self.transcribed.add(recording.number)
