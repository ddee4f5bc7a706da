"""What waits to go over the link is never lost, never out of order, and never more than may wait."""

from __future__ import annotations

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.errors import LinkFull
from actors.link_messages import Ack, DeliveryConfirmation, Listen, Speak, Stop, Transcription, UserMessage
from actors.machines.outbox import Outbound, Outbox


def message(id: str) -> UserMessage:  # noqa: A002
    return UserMessage(id=id, text="hello", target_user="cora")


def drained(outbox: Outbox, now: float) -> list[Outbound]:
    taken: list[Outbound] = []
    while (each := outbox.take(now)) is not None:
        taken.append(each)
    return taken


def test_nothing_is_sent_without_a_link() -> None:
    outbox = Outbox()
    outbox.put(message("1"))
    assert outbox.take(0.0) is None
    assert outbox.due is None


def test_messages_are_sent_once_in_the_order_in_which_they_were_put() -> None:
    outbox = Outbox()
    outbox.put(message("1"))
    outbox.open()
    for each in (Stop(), Speak(id="2", text="hello"), Listen(id="3"), message("4")):
        assert outbox.put(each)
    assert drained(outbox, 0.0) == [message("1"), Stop(), Speak(id="2", text="hello"), Listen(id="3"), message("4")]
    assert drained(outbox, 19.9) == []


def test_what_is_not_acknowledged_is_sent_again_in_order() -> None:
    outbox = Outbox(patience=20.0)
    outbox.open()
    for each in "123":
        outbox.put(message(each))
    assert len(drained(outbox, 0.0)) == 3
    assert outbox.acknowledge("2")
    assert outbox.due == 20.0
    assert drained(outbox, 20.0) == [message("1"), message("3")]
    assert outbox.due == 40.0


def test_over_a_new_connection_all_that_was_not_acknowledged_is_sent_again_at_once() -> None:
    outbox = Outbox()
    outbox.open()
    for each in "123":
        outbox.put(message(each))
    drained(outbox, 0.0)
    outbox.acknowledge("1")
    outbox.close()
    outbox.put(message("4"))
    outbox.open()
    assert drained(outbox, 1.0) == [message("2"), message("3"), message("4")]


@pytest.mark.parametrize(
    "of_the_moment",
    [
        Stop(),
        Listen(id="1"),
        Ack(id="1", status="received"),
        DeliveryConfirmation(message_id="1"),
        Transcription(id="1", text="what", is_final=False),
    ],
)
def test_what_is_of_the_moment_does_not_outlast_a_connection(of_the_moment: Outbound) -> None:
    outbox = Outbox()
    assert not outbox.put(of_the_moment)
    outbox.open()
    assert outbox.put(of_the_moment)
    outbox.close()
    outbox.open()
    assert drained(outbox, 0.0) == []


def test_one_too_many_is_refused_and_the_others_stay() -> None:
    outbox = Outbox(capacity=2)
    outbox.put(message("1"))
    outbox.put(message("2"))
    with pytest.raises(
        LinkFull, match=r"^2 messages already wait to be acknowledged by the gateway, .* try again later"
    ):
        outbox.put(message("3"))
    outbox.open()
    assert outbox.put(Stop())
    assert outbox.put(Stop())
    assert not outbox.put(Stop())
    assert drained(outbox, 0.0) == [message("1"), message("2"), Stop(), Stop()]


@pytest.mark.parametrize("id", ["", "1"])
def test_a_message_has_an_id_of_its_own(id: str) -> None:  # noqa: A002
    outbox = Outbox()
    outbox.put(message("1"))
    with pytest.raises(ValueError, match="an id of its own"):
        outbox.put(message(id))
    assert outbox.kept == 1


class AnyOutbox(RuleBasedStateMachine):
    """Connections that come and go, a gateway that acknowledges what it got when it likes, and callers."""

    @initialize(capacity=st.integers(1, 5))
    def make(self, capacity: int) -> None:
        self.outbox = Outbox(capacity, patience=10.0)
        self.now = 0.0
        self.open = False
        self.put: list[str] = []
        self.received: set[str] = set()
        self.acknowledged: set[str] = set()
        self.firsts: list[int] = []
        """The places of what was sent for the first time on this connection."""
        self.sent_at: dict[str, float] = {}

    @rule(moment=st.booleans())
    def somebody_sends(self, moment: bool) -> None:
        if moment:
            room = self.open and self.outbox.moments < self.outbox.capacity
            assert self.outbox.put(Stop()) == room
            return
        name = str(len(self.put))
        waiting = len(set(self.put) - self.acknowledged)
        if waiting >= self.outbox.capacity:
            with pytest.raises(LinkFull):
                self.outbox.put(message(name))
        else:
            assert self.outbox.put(message(name))
            self.put.append(name)

    @rule(seconds=st.sampled_from([0.0, 1.0, 9.0, 10.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_connection_is_made(self) -> None:
        self.outbox.open()
        self.open = True
        self.firsts, self.sent_at = [], {}

    @rule()
    def the_connection_is_lost(self) -> None:
        self.outbox.close()
        self.open = False

    @rule(arrives=st.booleans())
    def one_is_sent(self, arrives: bool) -> None:
        due = self.outbox.due
        taken = self.outbox.take(self.now)
        assert (taken is None) == (due is None or due > self.now)
        if taken is None:
            return
        assert self.open
        if isinstance(taken, Stop):
            return
        assert isinstance(taken, UserMessage)
        assert taken.id not in self.acknowledged
        if taken.id in self.sent_at:
            assert self.now >= self.sent_at[taken.id] + 10.0
        else:
            self.firsts.append(self.put.index(taken.id))
            assert self.firsts == sorted(self.firsts)
        self.sent_at[taken.id] = self.now
        if arrives:
            self.received.add(taken.id)

    @precondition(lambda self: self.received)
    @rule(data=st.data())
    def one_is_acknowledged(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.received)))
        assert self.outbox.acknowledge(name) == (name not in self.acknowledged)
        self.acknowledged.add(name)

    @invariant()
    def it_holds_what_is_not_acknowledged_and_no_more(self) -> None:
        if hasattr(self, "outbox"):
            assert self.outbox.kept == len(self.put) - len(self.acknowledged) <= self.outbox.capacity
            assert self.outbox.moments <= self.outbox.capacity

    def teardown(self) -> None:
        """In the end a connection stays, and the gateway has everything."""
        if hasattr(self, "outbox"):
            self.outbox.open()
            rest = [each.id for each in drained(self.outbox, self.now) if isinstance(each, UserMessage)]
            assert rest == [name for name in self.put if name not in self.acknowledged]


AnyOutbox.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
test_any_outbox = AnyOutbox.TestCase
