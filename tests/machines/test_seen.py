from __future__ import annotations

from hypothesis import given, strategies as st

from actors.link_messages import (
    Ack,
    DeliveryConfirmation,
    Devices,
    LinkMessage,
    Speak,
    Transcription,
    UserMessageDelivery,
)
from actors.machines.seen import UNANSWERED, Seen


def delivery(id: str) -> UserMessageDelivery:  # noqa: A002
    return UserMessageDelivery(id=id, text="hello", target_user="cora")


def test_what_comes_again_is_not_new() -> None:
    seen = Seen()
    assert seen.new(delivery("1"), 0.0)
    assert not seen.new(delivery("1"), 1.0)
    assert seen.new(delivery("2"), 1.0)


def test_what_was_answered_is_never_new_and_its_answer_is_known() -> None:
    seen = Seen()
    assert seen.new(delivery("1"), 0.0)
    assert seen.answer(delivery("1")) is None
    seen.answered(DeliveryConfirmation(message_id="1"))
    assert not seen.new(delivery("1"), 1000.0)
    assert seen.answer(delivery("1")) == DeliveryConfirmation(message_id="1")


def test_what_nobody_answered_is_new_again_after_a_minute() -> None:
    seen = Seen()
    assert seen.new(delivery("1"), 0.0)
    assert not seen.new(delivery("1"), UNANSWERED - 0.1)
    assert seen.new(delivery("1"), UNANSWERED)


def test_a_transcript_that_an_agents_side_confirmed_is_answered_when_it_comes_again() -> None:
    seen, said = Seen(), Transcription(id="t", text="Hello.")
    assert seen.new(said, 0.0)
    seen.answered(DeliveryConfirmation(message_id="t"))
    assert not seen.new(said, 1.0)
    assert seen.answer(said) == DeliveryConfirmation(message_id="t")


def test_what_could_not_be_delivered_is_new_when_it_comes_again() -> None:
    seen = Seen()
    assert seen.new(delivery("1"), 0.0)
    seen.answered(DeliveryConfirmation(message_id="1", delivered=False, reason="the disk is full"))
    assert seen.new(delivery("1"), 1.0)


def test_an_ack_answers_what_is_acknowledged_and_no_delivery() -> None:
    seen = Seen()
    spoken = Speak(id="1", text="hello")
    assert seen.new(spoken, 0.0)
    assert seen.new(delivery("1"), 0.0)
    seen.answered(Ack(id="1", status="received"))
    assert seen.answer(spoken) == Ack(id="1", status="received")
    assert seen.answer(delivery("1")) is None


def test_messages_without_an_id_are_always_new() -> None:
    seen = Seen()
    for message in (Devices(), delivery("")):
        assert seen.new(message, 0.0)
        assert seen.new(message, 0.0)


def test_the_beginnings_of_a_transcript_have_its_id_and_are_all_new() -> None:
    seen = Seen()
    growing: list[LinkMessage] = [
        Transcription(id="1", text="what", is_final=False),
        Transcription(id="1", text="what time", is_final=False),
        Transcription(id="1", text="what time is it"),
    ]
    assert all(seen.new(each, 0.0) for each in growing)
    assert not seen.new(growing[-1], 0.0)


def test_what_was_not_handed_on_after_all_is_new() -> None:
    seen = Seen()
    assert seen.new(delivery("1"), 0.0)
    seen.forget(delivery("1"))
    assert seen.new(delivery("1"), 0.0)


@given(st.lists(st.integers(0, 30)), st.integers(1, 10))
def test_it_never_remembers_more_than_it_may_and_always_the_latest(ids: list[int], capacity: int) -> None:
    seen = Seen(capacity)
    for each in ids:
        seen.new(delivery(str(each)), 0.0)
        assert len(seen) <= capacity
        assert not seen.new(delivery(str(each)), 0.0)
