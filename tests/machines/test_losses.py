"""Devices that go, and come back or not, while a dialogue needs them or does not."""

from __future__ import annotations

import pytest

from actors.errors import AudioFileError, DeviceError, DeviceLost
from actors.machines.dialogue import Dialogue
from actors.machines.policy import TurnPolicy
from actors.messages import MicrophoneFailed, SpeakerFailed, SpeakerOpened, StreamId, TurnId
from actors.orders import (
    Begin,
    CloseMicrophone,
    Command,
    DropUtterance,
    EndTurn,
    EndUtterance,
    Fail,
    GoOn,
    Hold,
    Hush,
    OpenMicrophone,
    PlayChime,
    Speak,
    Stop,
    Tick,
    Transcribe,
)
from actors.results import DeviceLoss
from tests.machines.feeding import (
    ONE,
    STREAM,
    begin,
    chimes,
    ended,
    microphone_failed,
    opened,
    result,
    speak_over,
    spoken,
    started,
    transcribed,
    utterance,
)

TWO = TurnId(2)
PULLED_OUT = "The microphone was pulled out."


def listening(policy: TurnPolicy | None = None, *, keep: bool = False) -> Dialogue:
    """A turn without words, its microphone open since 0."""
    dialogue = Dialogue(policy or TurnPolicy())
    dialogue.feed(begin(engine=None, keep=keep), 0.0)
    dialogue.feed(opened(0.0), 0.0)
    return dialogue


def talking(policy: TurnPolicy | None = None) -> Dialogue:
    dialogue = Dialogue(policy or TurnPolicy())
    dialogue.feed(begin(), 0.0)
    dialogue.feed(opened(0.0), 0.0)
    return dialogue


def speaker_failed(at: float) -> SpeakerFailed:
    return SpeakerFailed(at=at, error=DeviceLost("The speaker was pulled out."))


def run_until(dialogue: Dialogue, end: float, *, openings_fail: bool = True) -> list[tuple[float, Command]]:
    """Tick whenever it is due until ``end``; the microphone refuses to open."""
    commands: list[tuple[float, Command]] = []
    while dialogue.deadline is not None and dialogue.deadline <= end:
        now = dialogue.deadline
        for command in dialogue.feed(Tick(), now):
            commands.append((now, command))
            if isinstance(command, OpenMicrophone) and openings_fail:
                dialogue.feed(MicrophoneFailed(stream=command.stream, at=now, error=DeviceError("None there.")), now)
    return commands


def failure(commands: list[Command]) -> str:
    [fail] = [command for command in commands if isinstance(command, Fail)]
    return str(fail.error)


def test_a_microphone_that_dies_while_the_user_speaks_ends_the_utterance_there() -> None:
    dialogue = listening()
    dialogue.feed(started(1.0), 1.1)
    assert dialogue.feed(microphone_failed(2.0), 2.0) == [EndUtterance(number=1, until=2.0)]
    assert dialogue.deadline is None
    assert dialogue.feed(utterance(), 2.0) == [Transcribe(ONE, utterance())]
    final = result(dialogue.feed(transcribed(), 2.1))
    assert (final.outcome, final.transcript) == ("heard", "hi")
    assert final.losses == (DeviceLoss(device="microphone", reason=PULLED_OUT),)


def test_a_microphone_lost_while_nobody_speaks_is_opened_again_after_longer_and_longer_pauses() -> None:
    dialogue = listening()
    assert dialogue.feed(microphone_failed(1.0), 1.0) == []
    tries = run_until(dialogue, 10.0)
    assert [command for _, command in tries] == [OpenMicrophone(StreamId(number)) for number in range(2, 9)]
    assert [at for at, _ in tries] == pytest.approx([1.1, 1.3, 1.7, 2.5, 4.1, 6.1, 8.1])


def test_a_microphone_that_comes_back_is_a_loss_that_ended_and_the_user_has_all_their_time_again() -> None:
    dialogue = listening()
    dialogue.feed(microphone_failed(4.0), 4.0)
    assert dialogue.feed(Tick(), 4.1) == [OpenMicrophone(StreamId(2))]
    assert dialogue.feed(opened(4.25, 2), 4.25) == [PlayChime(ONE, "listening")]
    assert dialogue.deadline == 14.25
    final = result(dialogue.feed(Tick(), 14.25))
    assert final.outcome == "no_speech"
    assert final.losses == (DeviceLoss(device="microphone", reason=PULLED_OUT, seconds=0.25),)


def test_a_microphone_that_does_not_come_back_fails_the_turn_when_it_has_been_waited_for() -> None:
    dialogue = listening(TurnPolicy(device_wait=3.0))
    dialogue.feed(microphone_failed(1.0), 1.0)
    *_, (at, fail) = run_until(dialogue, 60.0)
    assert at == 4.0
    assert failure([fail]) == f"The microphone did not come back within 3 s. {PULLED_OUT}"
    assert dialogue.deadline is None


def test_a_microphone_that_is_not_waited_for_fails_the_turn_at_once() -> None:
    dialogue = listening(TurnPolicy(device_wait=0.0))
    dialogue.feed(microphone_failed(1.0), 1.0)
    assert dialogue.deadline == 1.0
    assert failure(dialogue.feed(Tick(), 1.0)) == PULLED_OUT


def test_an_attempt_still_under_way_when_the_turn_is_given_up_is_called_off() -> None:
    dialogue = listening(TurnPolicy(device_wait=1.0))
    dialogue.feed(microphone_failed(1.0), 1.0)
    assert dialogue.feed(Tick(), 1.1) == [OpenMicrophone(StreamId(2))]
    assert dialogue.deadline == 2.0
    assert dialogue.feed(Tick(), 2.0)[0] == CloseMicrophone()
    assert dialogue.feed(opened(2.1, 2), 2.1) == []


def test_a_microphone_that_opens_and_dies_at_once_was_never_back() -> None:
    dialogue = listening(TurnPolicy(device_wait=2.0))
    dialogue.feed(microphone_failed(1.0), 1.0)
    dialogue.feed(Tick(), 1.1)
    dialogue.feed(opened(1.1, 2), 1.1)
    dialogue.feed(microphone_failed(1.7, 2, "Nothing comes."), 1.7)
    assert dialogue.deadline == pytest.approx(1.9)
    *_, (at, fail) = run_until(dialogue, 60.0)
    assert at == 3.0
    assert failure([fail]).endswith(PULLED_OUT)


def test_a_second_loss_begins_with_the_shortest_pause_again() -> None:
    dialogue = listening()
    dialogue.feed(microphone_failed(1.0), 1.0)
    run_until(dialogue, 1.35)
    assert dialogue.deadline == pytest.approx(1.7)
    dialogue.feed(Tick(), dialogue.deadline)
    dialogue.feed(opened(1.7, 4), 1.7)
    dialogue.feed(microphone_failed(5.0, 4, "Again."), 5.0)
    assert dialogue.deadline == pytest.approx(5.1)
    dialogue.feed(Tick(), 5.1)
    dialogue.feed(opened(5.1, 5), 5.1)
    final = result(dialogue.feed(EndTurn(), 6.0))
    assert final.losses == (
        DeviceLoss(device="microphone", reason=PULLED_OUT, seconds=0.7),
        DeviceLoss(device="microphone", reason="Again.", seconds=0.1),
    )


def test_a_microphone_that_never_was_there_is_an_error_at_once() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(), 0.0)
    assert dialogue.feed(microphone_failed(0.1), 0.1) == [Hush(ONE, None)]
    assert failure(dialogue.feed(spoken(heard="", complete=False), 0.1)) == PULLED_OUT


def test_a_microphone_that_was_there_in_an_earlier_turn_is_waited_for() -> None:
    dialogue = listening()
    dialogue.feed(EndTurn(), 1.0)
    assert OpenMicrophone(StreamId(2)) in dialogue.feed(begin(engine=None, turn=TWO), 5.0)
    dialogue.feed(microphone_failed(5.0, 2), 5.0)
    assert dialogue.feed(Tick(), 5.1) == [OpenMicrophone(StreamId(3))]
    dialogue.feed(opened(5.1, 3), 5.1)
    assert result(dialogue.feed(EndTurn(), 6.0)).losses[0].seconds == pytest.approx(0.1)


def test_what_is_no_device_does_not_come_back() -> None:
    dialogue = listening()
    error = AudioFileError("The file is gone.")
    assert dialogue.feed(MicrophoneFailed(stream=STREAM, at=1.0, error=error), 1.0) == [Fail(ONE, error)]


def test_a_voice_that_was_not_yet_meant_is_dropped_with_its_microphone() -> None:
    dialogue = talking()
    assert Hold(ONE) in dialogue.feed(started(1.0), 1.1)
    assert dialogue.feed(microphone_failed(1.2), 1.2) == [GoOn(ONE), DropUtterance(1)]
    assert dialogue.state == "speaking"


def test_an_assistant_whose_microphone_is_lost_talks_to_its_end_and_then_waits() -> None:
    dialogue = talking(TurnPolicy(device_wait=2.0))
    dialogue.feed(microphone_failed(1.0), 1.0)
    assert {type(command) for _, command in run_until(dialogue, 20.0)} == {OpenMicrophone}
    assert chimes(dialogue.feed(spoken(), 20.0)) == []
    *_, (at, fail) = run_until(dialogue, 60.0)
    assert at == 22.0
    assert failure([fail]).startswith("The microphone did not come back within 2 s.")


def test_a_microphone_that_is_back_before_the_assistant_is_done_is_just_a_loss() -> None:
    dialogue = talking()
    dialogue.feed(microphone_failed(1.0), 1.0)
    assert dialogue.feed(Tick(), 1.1) == [OpenMicrophone(StreamId(2))]
    assert dialogue.feed(opened(1.2, 2), 1.2) == []
    assert chimes(dialogue.feed(spoken(), 2.0)) == ["listening"]
    dialogue.feed(started(3.0, StreamId(2)), 3.1)
    dialogue.feed(ended(4.0, StreamId(2)), 4.7)
    dialogue.feed(utterance(), 4.7)
    final = result(dialogue.feed(transcribed(), 4.8))
    assert (final.outcome, final.losses[0].seconds) == ("heard", pytest.approx(0.2))


def test_an_assistant_that_wants_no_answer_does_without_a_microphone_that_dies() -> None:
    dialogue = Dialogue(TurnPolicy(device_wait=0.0))
    dialogue.feed(Begin(turn=ONE, engine="mouth", listen=False, overhear=True), 0.0)
    dialogue.feed(opened(0.0), 0.0)
    dialogue.feed(microphone_failed(1.0), 1.0)
    assert {type(command) for _, command in run_until(dialogue, 30.0)} == {OpenMicrophone}
    final = result(dialogue.feed(spoken(), 30.0))
    assert (final.outcome, final.losses) == ("said", (DeviceLoss(device="microphone", reason=PULLED_OUT),))


def test_stopping_calls_off_the_wait_for_a_microphone() -> None:
    dialogue = listening()
    dialogue.feed(microphone_failed(1.0), 1.0)
    assert result(dialogue.feed(Stop(), 1.05)).outcome == "stopped"
    assert dialogue.deadline is None


def test_the_button_ends_the_wait_for_a_user_whose_microphone_is_lost() -> None:
    dialogue = listening()
    dialogue.feed(microphone_failed(1.0), 1.0)
    final = result(dialogue.feed(EndTurn(), 1.05))
    assert (final.outcome, len(final.losses)) == ("no_speech", 1)
    assert dialogue.deadline is None


def test_a_microphone_lost_while_a_talk_transcribes_comes_back_for_the_next_turn() -> None:
    dialogue = listening(keep=True)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(ended(2.0), 2.7)
    dialogue.feed(microphone_failed(3.0), 3.0)
    assert dialogue.feed(Tick(), 3.1) == [OpenMicrophone(StreamId(2))]
    dialogue.feed(opened(3.2, 2), 3.2)
    dialogue.feed(utterance(), 3.3)
    final = result(dialogue.feed(transcribed(), 3.4))
    assert final.losses == (DeviceLoss(device="microphone", reason=PULLED_OUT, seconds=0.2),)
    assert dialogue.feed(begin(keep=True, turn=TWO), 3.4) == [Speak(TWO)]


def test_a_microphone_lost_between_two_turns_of_a_talk_is_a_loss_of_the_second() -> None:
    dialogue = listening(keep=True)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(ended(2.0), 2.7)
    dialogue.feed(utterance(), 2.7)
    assert result(dialogue.feed(transcribed(), 2.8)).losses == ()
    dialogue.feed(microphone_failed(2.9), 2.9)
    assert dialogue.deadline == 3.0
    assert dialogue.feed(begin(engine=None, keep=True, turn=TWO), 2.95) == []
    assert dialogue.feed(Tick(), 3.0) == [OpenMicrophone(StreamId(2))]
    assert chimes(dialogue.feed(opened(3.0, 2), 3.0)) == ["listening"]
    final = result(dialogue.feed(EndTurn(), 4.0))
    assert final.losses == (DeviceLoss(device="microphone", reason=PULLED_OUT, seconds=0.1),)
    assert dialogue.feed(begin(engine=None, keep=True, turn=TurnId(3)), 4.0) == []
    assert result(dialogue.feed(EndTurn(), 5.0)).losses == ()


@pytest.mark.parametrize("written_first", [True, False])
def test_what_was_said_between_two_turns_outlives_its_microphone(written_first: bool) -> None:
    dialogue = listening(keep=True)
    dialogue.feed(started(1.0), 1.1)
    dialogue.feed(ended(2.0), 2.7)
    speak_over(dialogue, 3.0)
    assert dialogue.feed(microphone_failed(4.0), 4.0) == [EndUtterance(number=2, until=4.0)]
    dialogue.feed(utterance(1), 4.0)
    if written_first:
        dialogue.feed(utterance(2), 4.05)
    dialogue.feed(transcribed("one"), 4.08)
    commands = dialogue.feed(begin(keep=True, turn=TWO), 4.08)
    if not written_first:
        assert commands == []
        commands = dialogue.feed(utterance(2), 4.09)
    assert commands == [Transcribe(TWO, utterance(2))]
    final = result(dialogue.feed(transcribed("two", TWO), 4.2))
    assert (final.outcome, final.transcript) == ("interrupted", "two")


def test_a_speaker_that_does_not_come_back_silences_the_turn_and_fails_it() -> None:
    dialogue = talking(TurnPolicy(device_wait=3.0))
    assert dialogue.feed(speaker_failed(1.0), 1.0) == []
    assert dialogue.deadline == 4.0
    assert dialogue.feed(Tick(), 4.0) == [Hush(ONE, None)]
    assert dialogue.deadline is None
    commands = dialogue.feed(spoken(heard="Hello", complete=False), 4.0)
    assert failure(commands) == "The speaker did not come back within 3 s. The speaker was pulled out."


def test_a_speaker_that_comes_back_in_time_is_a_loss_in_the_result() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(listen=False), 0.0)
    dialogue.feed(speaker_failed(1.0), 1.0)
    dialogue.feed(SpeakerOpened(at=1.5), 1.5)
    assert dialogue.deadline is None
    final = result(dialogue.feed(spoken(), 3.0))
    loss = DeviceLoss(device="speaker", reason="The speaker was pulled out.", seconds=0.5)
    assert (final.outcome, final.losses) == ("said", (loss,))


def test_a_speaker_lost_between_two_turns_is_waited_for_from_the_beginning_of_the_second() -> None:
    dialogue = Dialogue(TurnPolicy(device_wait=3.0))
    dialogue.feed(speaker_failed(1.0), 1.0)
    dialogue.feed(begin(listen=False), 50.0)
    assert dialogue.deadline == 53.0


def test_a_speaker_that_was_back_before_the_turn_began_is_none_of_its_business() -> None:
    dialogue = Dialogue()
    dialogue.feed(begin(listen=False), 10.0)
    dialogue.feed(speaker_failed(1.0), 10.0)
    dialogue.feed(SpeakerOpened(at=2.0), 10.0)
    assert result(dialogue.feed(spoken(), 11.0)).losses == ()


def test_a_speaker_that_is_not_waited_for_fails_the_turn_at_once() -> None:
    dialogue = talking(TurnPolicy(device_wait=0.0))
    dialogue.feed(speaker_failed(1.0), 1.0)
    assert dialogue.deadline == 1.0
    assert dialogue.feed(Tick(), 1.0) == [Hush(ONE, None)]
    assert failure(dialogue.feed(spoken(complete=False, heard=""), 1.0)) == "The speaker was pulled out."


def test_a_turn_that_only_listens_is_not_hurt_by_a_lost_speaker() -> None:
    dialogue = listening(TurnPolicy(device_wait=0.0))
    dialogue.feed(speaker_failed(1.0), 1.0)
    assert dialogue.deadline == 10.0
    final = result(dialogue.feed(Tick(), 10.0))
    assert (final.outcome, final.losses[0].device) == ("no_speech", "speaker")


def test_a_lost_speaker_does_not_keep_the_user_from_interrupting() -> None:
    dialogue = talking()
    dialogue.feed(speaker_failed(1.0), 1.0)
    assert Hush(ONE, 2.0) in speak_over(dialogue, 2.0)
    dialogue.feed(spoken(heard="Hello", complete=False), 2.3)
    assert dialogue.deadline == 122.0


def test_a_speaker_given_up_while_the_user_begins_to_speak_leaves_their_recording() -> None:
    dialogue = talking(TurnPolicy(device_wait=3.0))
    dialogue.feed(speaker_failed(1.0), 1.0)
    dialogue.feed(started(3.9), 4.0)
    assert dialogue.feed(Tick(), 4.0) == [Hush(ONE, None)]
    assert dialogue.feed(spoken(heard="", complete=False), 4.0) == [EndUtterance(number=1, until=4.0)]
    assert failure(dialogue.feed(utterance(), 4.1)).endswith(
        "is kept in said.wav: voicemode transcribe --pending finishes it later."
    )


def test_a_microphone_that_fails_once_the_user_was_cut_short_takes_nothing_away() -> None:
    dialogue = listening()
    dialogue.feed(started(1.0), 1.1)
    assert dialogue.feed(EndTurn(), 2.0)[0] == EndUtterance(number=1, until=2.0)
    assert dialogue.feed(microphone_failed(2.01), 2.01) == []
    assert dialogue.feed(utterance(), 2.05) == [Transcribe(ONE, utterance())]
    assert dialogue.deadline is None
