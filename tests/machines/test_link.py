"""How a link stands, and what is to be done next."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import pytest
from attrs import define, field
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.link_messages import (
    AgentUser,
    CapabilitiesUpdate,
    Connected,
    Device,
    Devices,
    Heartbeat,
    HeartbeatAck,
    LinkError,
    LinkMessage,
    Ready,
    Resume,
    SessionResumed,
    Speak,
)
from actors.machines.link import Link, LinkState
from actors.machines.link_orders import (
    Announce,
    Blocked,
    Connect,
    Drop,
    HandOn,
    LinkCommand,
    LinkEvent,
    Lost,
    Opened,
    Ping,
    Received,
    Refused,
    Send,
    Tick,
    Unblocked,
)

DESK = Device(device_id="dev-1", platform="mcp-server")
READY = Send(Ready(device=DESK))
CORA = (AgentUser(name="cora"),)
ANNOUNCED = Send(CapabilitiesUpdate(users=CORA, platform="claude-code"))


def connected(token: str | None = None) -> Connected:
    return Connected(session_id="s", session_token=token)


def resume(token: str) -> Send:
    return Send(Resume(session_token=token))


def resumed(token: str) -> SessionResumed:
    return SessionResumed(session_token=token)


@define
class Played:
    """A link, with a clock."""

    link: Link = field(factory=lambda: Link(device=DESK, platform="claude-code", chance=lambda: 0.0))
    now: float = 0.0

    def feed(self, *events: LinkEvent) -> list[LinkCommand]:
        return [command for event in events for command in self.link.feed(event, self.now)]

    def hear(self, *messages: LinkMessage | None) -> list[LinkCommand]:
        return self.feed(*map(Received, messages))

    def wait(self) -> list[LinkCommand]:
        """Until time alone makes a difference."""
        self.now = max(self.now, self.link.deadline)
        return self.feed(Tick())

    def up(self, session: str | None = None) -> list[LinkCommand]:
        assert self.wait() in ([Connect(renew=False)], [Connect(renew=True)])
        return self.feed(Opened()) + self.hear(connected(session))

    @property
    def state(self) -> LinkState:
        return self.link.status.state


def refused(code: str = "INVALID_TOKEN") -> LinkError:
    return LinkError(code=code, message="no")


def test_a_link_begins_with_a_handshake() -> None:
    played = Played()
    assert played.state == "disconnected"
    assert played.wait() == [Connect(renew=False)]
    assert played.state == "connecting"
    assert played.feed(Opened()) == []
    assert played.state == "connected"
    assert played.hear(Connected(session_id="s")) == [READY]
    assert played.state == "up"


def test_users_are_announced_when_the_link_is_up_and_whenever_they_change() -> None:
    played = Played()
    assert played.feed(Announce(CORA)) == []
    assert played.up() == [READY, ANNOUNCED]
    assert played.feed(Announce(CORA)) == []
    assert played.feed(Announce(())) == [Send(CapabilitiesUpdate(users=(), platform="claude-code"))]


def test_the_latest_users_are_announced_over_every_connection() -> None:
    played = Played()
    played.up()
    played.feed(Lost("gone"), Announce(CORA))
    assert played.up() == [READY, ANNOUNCED]


def test_a_session_that_broke_off_is_resumed() -> None:
    played = Played()
    played.feed(Announce(CORA))
    played.up("first")
    played.feed(Lost("gone"))
    assert played.up("second") == [resume("first")]
    assert played.state == "connected"
    assert played.hear(resumed("third")) == [ANNOUNCED]
    assert played.state == "up"
    assert played.link.status.resumed
    played.feed(Lost("gone"))
    assert played.up("fourth") == [resume("third")]


@pytest.mark.parametrize("code", ["SESSION_NOT_FOUND", "SESSION_EXPIRED", "UNKNOWN_TYPE"])
def test_a_session_that_cannot_be_resumed_is_begun_anew(code: str) -> None:
    played = Played()
    played.up("first")
    played.feed(Lost("gone"))
    played.up("second")
    assert played.hear(refused(code)) == [READY]
    assert played.state == "up"
    played.feed(Lost("gone"))
    assert played.up("third") == [resume("second")]


def test_a_session_whose_resume_breaks_the_connection_twice_is_given_up() -> None:
    played = Played()
    played.up("first")
    for _ in range(2):
        played.feed(Lost("gone"))
        assert played.up("next") == [resume("first")]
    played.feed(Lost("gone"))
    assert played.up("last") == [READY]


def test_a_session_whose_resume_is_not_answered_is_given_up() -> None:
    played = Played()
    played.up("first")
    played.feed(Lost("gone"))
    played.up("second")
    assert played.wait() == [Drop()]
    assert played.up("third") == [READY]


def test_a_gateway_that_ends_a_session_gets_a_new_one() -> None:
    played = Played()
    played.up("first")
    assert played.hear(refused("SESSION_EXPIRED")) == [Drop()]
    assert played.up("second") == [READY]


def test_pings_are_sent_every_25_seconds_and_after_60_without_a_sign_of_life_there_is_no_link() -> None:
    played = Played()
    played.up()
    done: list[tuple[float, Sequence[LinkCommand]]] = []
    while played.state == "up":
        commands = played.wait()
        done.append((played.now, commands))
    assert done == [(25.0, [Ping()]), (50.0, [Ping()]), (60.0, [Drop()])]
    assert played.link.status.error == "Nothing was heard of the gateway for 60 s."


def test_any_frame_is_a_sign_of_life() -> None:
    played = Played()
    played.up()
    for _ in range(100):
        assert played.wait() == [Ping()]
        assert played.hear(None) == []
    assert played.now == 2500.0


def test_while_nothing_can_be_handed_on_silence_says_nothing() -> None:
    played = Played()
    played.up()
    played.feed(Blocked())
    for _ in range(10):
        assert played.wait() == [Ping()]
    assert played.now == 250.0
    played.feed(Unblocked())
    assert [played.wait(), played.wait(), played.wait()] == [[Ping()], [Ping()], [Drop()]]
    assert played.now == 310.0


@pytest.mark.parametrize(
    ("events", "seconds", "error"),
    [
        ([], 30.0, "There was no connection to the gateway after 30 s."),
        ([Opened()], 20.0, "The gateway took the connection, but the handshake was not done after 20 s."),
        ([Opened(), Received(None), Received(Devices())], 20.0, "The gateway took the connection, but the handshake"),
    ],
)
def test_a_beginning_has_its_time(events: list[LinkEvent], seconds: float, error: str) -> None:
    played = Played()
    played.wait()
    played.feed(*events)
    assert played.wait() == [Drop()]
    assert played.now == seconds
    assert str(played.link.status.error).startswith(error)
    assert played.state == "reconnecting"


def test_delays_grow_from_two_seconds_to_a_minute() -> None:
    played = Played()
    delays: list[float] = []
    for _ in range(8):
        played.wait()
        played.feed(Lost("nothing listens"))
        delays.append(played.link.deadline - played.now)
    assert delays == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert played.link.status.failures == 8


def test_a_gateway_that_takes_us_in_and_throws_us_out_is_not_hammered() -> None:
    played = Played()
    for _ in range(8):
        played.up()
        played.feed(Lost("thrown out"))
    assert played.link.deadline - played.now == 60.0
    played.up()
    played.now += 30.0
    played.feed(Lost("gone"))
    assert played.link.deadline - played.now == 2.0
    assert played.link.status.failures == 1


@pytest.mark.parametrize("code", ["INVALID_TOKEN", "AUTH_REQUIRED"])
def test_another_token_is_asked_for_once(code: str) -> None:
    played = Played()
    played.wait()
    played.feed(Opened())
    assert played.hear(refused(code)) == [Drop()]
    assert played.state == "reconnecting"
    assert played.wait() == [Connect(renew=True)]
    assert played.feed(Refused("It does not accept who we are.")) == [Drop()]
    assert played.state == "refused"
    assert played.link.status.error == "It does not accept who we are."
    assert played.wait() == []


def test_a_token_that_is_taken_for_a_while_may_be_asked_for_again() -> None:
    played = Played()
    for _ in range(3):
        played.up()
        played.now += 30.0
        assert played.hear(refused()) == [Drop()]
    assert played.wait() == [Connect(renew=True)]


def test_a_gateway_that_takes_a_token_and_then_does_not_is_given_up() -> None:
    played = Played()
    played.up()
    played.hear(refused())
    played.up()
    played.hear(refused())
    assert played.state == "refused"


def test_other_errors_are_for_whoever_listens() -> None:
    played = Played()
    played.up()
    assert played.hear(refused("RATE_LIMITED")) == [HandOn(refused("RATE_LIMITED"))]
    assert played.state == "up"


def test_a_heartbeat_is_answered_and_nobody_else_learns_of_it() -> None:
    played = Played()
    played.up()
    assert played.hear(Heartbeat(timestamp=7), HeartbeatAck(timestamp=7)) == [Send(HeartbeatAck(timestamp=7))]


def test_what_comes_before_the_handshake_is_done_is_handed_on_too() -> None:
    played = Played()
    played.wait()
    assert played.feed(Opened()) + played.hear(Devices()) == [HandOn(Devices())]


def test_the_last_of_a_connection_that_was_dropped_says_nothing() -> None:
    played = Played()
    played.up()
    played.feed(Lost("gone"))
    status = played.link.status
    assert played.hear(None, Connected(session_id="s"), Speak(id="1", text="hello")) == []
    assert played.feed(Lost("again"), Refused("again"), Blocked(), Unblocked()) == []
    assert played.link.status == status


def test_nobody_connects_twice() -> None:
    played = Played()
    played.up()
    with pytest.raises(ValueError, match="nobody connects while the link is up"):
        played.feed(Opened())
    assert played.state == "up"


MESSAGES = [
    None,
    connected("t"),
    Connected(session_id="s"),
    resumed("r"),
    Devices(),
    Heartbeat(),
    *(refused(code) for code in ("INVALID_TOKEN", "SESSION_NOT_FOUND", "SESSION_EXPIRED", "UNKNOWN_TYPE", "X")),
]


class AnyLink(RuleBasedStateMachine):
    """A gateway that says anything at any time, over a connection that breaks at any time."""

    @initialize(chance=st.floats(0.0, 1.0))
    def make(self, chance: float) -> None:
        self.played = Played(Link(device=DESK, chance=lambda: chance))
        self.connected = False
        """As the actor sees it: a connection is made, or there is one."""
        self.announced: tuple[AgentUser, ...] | None = None
        self.users: tuple[AgentUser, ...] | None = None
        self.lost_at: float | None = None

    def obey(self, commands: list[LinkCommand]) -> None:
        for command in commands:
            match command:
                case Connect():
                    assert not self.connected
                    if self.lost_at is not None:
                        assert self.played.now - self.lost_at >= 1.0
                    self.connected, self.announced = True, None
                case Drop():
                    assert self.connected
                    self.connected, self.lost_at = False, self.played.now
                case Send(CapabilitiesUpdate(users=users)):
                    assert self.played.state == "up"
                    self.announced = users
                case Send() | Ping() | HandOn():
                    assert self.connected

    @rule()
    def time_passes_until_it_matters(self) -> None:
        if self.played.link.deadline < inf:
            before = self.played.link.status, self.played.link.deadline
            self.obey(self.played.wait())
            assert (self.played.link.status, self.played.link.deadline) != before

    @rule(seconds=st.sampled_from([0.0, 1.0, 30.0]))
    def a_little_time_passes(self, seconds: float) -> None:
        self.played.now += seconds
        self.obey(self.played.feed(Tick()))

    @precondition(lambda self: self.played.state == "connecting")
    @rule()
    def a_connection_is_there(self) -> None:
        self.obey(self.played.feed(Opened()))

    @rule(message=st.sampled_from(MESSAGES))
    def something_comes(self, message: LinkMessage | None) -> None:
        self.obey(self.played.hear(message))

    @rule(event=st.sampled_from([Lost("gone"), Refused("no"), Blocked(), Unblocked()]))
    def something_happens(self, event: LinkEvent) -> None:
        self.obey(self.played.feed(event))

    @rule(users=st.sampled_from([(), CORA]))
    def users_change(self, users: tuple[AgentUser, ...]) -> None:
        self.users = users
        self.obey(self.played.feed(Announce(users)))

    @invariant()
    def what_is_there_fits_together(self) -> None:
        if not hasattr(self, "played"):
            return
        status, deadline = self.played.link.status, self.played.link.deadline
        assert self.connected == (status.state in {"connecting", "connected", "up"})
        if status.state == "up":
            assert self.announced == self.users
            assert status.error is None
        if status.state == "reconnecting":
            assert status.retry_at is not None
            assert 1.0 <= status.retry_at - status.since <= 60.0
            assert status.error
            assert deadline == status.retry_at


AnyLink.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
test_any_link = AnyLink.TestCase
