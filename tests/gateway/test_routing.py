"""The routing, whatever devices and agents' sides do and whatever becomes of their connections, in any order.

A program is a list of steps.  The world carries it out against the machine, and keeps its own account of who was sent
what, confirmed what, and was told what.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from attrs import define, field, frozen
from hypothesis import given, settings, strategies as st

from actors import link_messages as link
from voicemode.gateway.account import ANSWERS, Account, Asked
from voicemode.gateway.events import (
    Adopt,
    Blocked,
    Close,
    Closed,
    Command,
    Discard,
    Drained,
    Entry,
    Event,
    Fetch,
    Fetched,
    Keep,
    Kept,
    NotKept,
    Opened,
    Received,
    Remember,
    Send,
    Tick,
)
from voicemode.gateway.limits import Limits
from voicemode.gateway.routing import Routing

LIMITS = Limits(
    patience=10.0,
    back=10.0,
    resumable=50.0,
    remembered=4,
    remembered_per_account=3,
    per_target=3,
    per_account_waiting=6,
    window=2,
)
ACCOUNTS = ("ada", "bob")
NAMES = ("cora", "dora")


@frozen
class Step:
    what: str
    who: int
    number: int
    name: str


STEPS = (
    *("connect", "connect", "close", "return", "forge", "message", "message", "message", "again", "again", "rename"),
    *("confirm", "confirm", "refuse", "speak", "spoken", "block", "drain", "wait", "disk", "full disk"),
)
steps = st.builds(Step, st.sampled_from(STEPS), st.integers(0, 7), st.integers(0, 5), st.sampled_from(NAMES))
programs = st.lists(steps, min_size=10, max_size=80)


@define(eq=False)
class Client:
    """The first four are devices, the others agents' sides; two of each are of either account."""

    number: int
    session: str
    account: str
    token: str
    agent: bool
    users: set[str] = field(factory=set[str])
    open: bool = True


@define
class World:
    """``keeps``: there is a queue, with a disk that writes when it is told to."""

    keeps: bool
    routing: Routing = field(init=False)
    now: float = 0.0
    clients: dict[int, Client] = field(factory=dict[int, Client])
    by_session: dict[str, Client] = field(factory=dict[str, Client])
    sent: dict[int, list[link.UserMessage]] = field(factory=lambda: defaultdict(list))
    unconfirmed: dict[int, list[link.UserMessageDelivery]] = field(factory=lambda: defaultdict(list))
    received: dict[int, set[str]] = field(factory=lambda: defaultdict(set))
    spoken: dict[int, list[link.Speak]] = field(factory=lambda: defaultdict(list))
    confirmed: Counter[str] = field(factory=Counter[str])
    owner: dict[str, tuple[str, str]] = field(factory=dict[str, tuple[str, str]])
    answers: dict[tuple[int, str], set[str]] = field(factory=lambda: defaultdict(set))
    disk: dict[tuple[str, str], Entry] = field(factory=dict[tuple[str, str], Entry])
    writing: list[Entry] = field(factory=list[Entry])
    known: set[tuple[str, str]] = field(factory=set[tuple[str, str]])
    sessions: int = 0

    def __attrs_post_init__(self) -> None:
        self.routing = Routing(LIMITS, keeps=self.keeps)
        for number in range(8):
            self.connect(Step("connect", number, 0, NAMES[number // 2 % 2]))

    def feed(self, event: Event) -> None:
        self.carry_out(self.routing.feed(event, self.now))

    def carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Send(session, message):
                    self.heard(self.by_session[session], message)
                case Adopt(session, old):
                    client = self.by_session.pop(session)
                    client.session = old
                    self.by_session[old] = client
                case Close(session):
                    self.by_session.pop(session).open = False
                case Keep(entry):
                    self.writing.append(entry)
                case Fetch(account, targets):
                    found = [each for each in self.disk.values() if each.account == account and each.target in targets]
                    self.feed(Fetched(account, tuple(found[:2])))
                case Discard(account, message_id, targets):
                    if (entry := self.disk.get((account, message_id))) is not None and entry.target in targets:
                        del self.disk[account, message_id]
                case Remember(account, targets):
                    self.known |= {(account, target) for target in targets}
                case _:
                    pass

    def heard(self, client: Client, message: link.LinkMessage) -> None:
        assert client.open
        match message:
            case link.UserMessageDelivery():
                assert client.agent
                assert message.target_user in client.users
                assert message.text.startswith(client.account)
                self.owner[message.id] = (client.account, message.target_user)
                self.unconfirmed[client.number].append(message)
                self.received[client.number].add(message.id)
            case link.Ack():
                self.answers[client.number, message.id].add(message.status)
            case link.Speak():
                assert not client.agent
                assert message.text.startswith(client.account)
                self.spoken[client.number].append(message)
            case _:
                pass

    def step(self, step: Step) -> None:
        self.now += 0.1
        client = self.clients.get(step.who)
        if step.what == "connect":
            self.connect(step)
        elif step.what == "wait":
            self.now += 3.0 * step.number
            self.feed(Tick())
        elif step.what == "disk":
            self.write(fails=False)
        elif step.what == "full disk":
            self.write(fails=True)
        elif client is not None and client.open:
            self.act(client, step)
        self.check()

    def connect(self, step: Step) -> Client:
        client = self.clients.get(step.who)
        if client is not None and client.open:
            return client
        account = ACCOUNTS[step.who % 2]
        self.sessions += 1
        session, token = f"s{self.sessions}", f"t{self.sessions}"
        agent = step.who >= 4
        new = Client(step.who, session, account, token, agent=agent)
        self.clients[step.who] = self.by_session[session] = new
        self.unconfirmed[step.who].clear()
        self.spoken[step.who].clear()
        self.feed(Opened(session=session, token=token, account=account))
        if client is not None and step.number % 2 and client.agent == agent:
            # a connection that broke off goes on
            new.users = client.users
            self.feed(Received(new.session, link.Resume(session_token=client.token)))
            if new.session == client.session:
                new.token = client.token
                return new
        platform = "mcp-server" if agent else "ios"
        self.feed(Received(new.session, link.Ready(device=link.Device(device_id=f"d{step.who}", platform=platform))))
        if agent:
            self.announce(new, step.name)
        return new

    def announce(self, client: Client, name: str) -> None:
        client.users = {name}
        user = link.AgentUser(name=name, host="box")
        self.feed(Received(client.session, link.CapabilitiesUpdate(users=(user,))))

    def act(self, client: Client, step: Step) -> None:
        number = client.number
        match step.what:
            case "rename" if client.agent:
                self.announce(client, step.name)
            case "close" | "return":
                client.open = False
                del self.by_session[client.session]
                self.feed(Closed(client.session))
                if step.what == "return":
                    self.connect(step)
            case "forge" if foreign := [each for each in self.owner if each not in self.received[number]]:
                message_id = foreign[step.number % len(foreign)]
                self.feed(Received(client.session, link.DeliveryConfirmation(message_id=message_id)))
            case "message" if not client.agent:
                message = link.UserMessage(
                    id=str(len(self.sent[number])), text=f"{client.account}: hi", target_user=step.name
                )
                self.sent[number].append(message)
                self.feed(Received(client.session, message))
            case "again" if self.sent[number] and not client.agent:
                self.feed(Received(client.session, self.sent[number][step.number % len(self.sent[number])]))
            case "confirm" | "refuse" if self.unconfirmed[number]:
                delivery = self.unconfirmed[number].pop(0)
                delivered = step.what == "confirm"
                self.confirmed[delivery.id] += delivered
                confirmation = link.DeliveryConfirmation(message_id=delivery.id, delivered=delivered)
                self.feed(Received(client.session, confirmation))
            case "speak" if client.agent:
                self.feed(Received(client.session, link.Speak(id=f"{self.now}", text=f"{client.account}: ho")))
            case "spoken" if self.spoken[number]:
                self.feed(Received(client.session, link.Ack(id=self.spoken[number].pop(0).id, status="received")))
            case "block":
                self.feed(Blocked(client.session))
            case "drain":
                self.feed(Drained(client.session))
            case _:
                pass

    def write(self, *, fails: bool) -> None:
        for entry in self.writing[:]:
            self.writing.remove(entry)
            if fails or (entry.account, entry.target) not in self.known:
                self.feed(NotKept(entry.account, entry.id, "no"))
            else:
                self.disk.setdefault((entry.account, entry.id), entry)
                self.feed(Kept(entry.account, entry.id))

    def check(self) -> None:
        """What holds at any moment."""
        assert self.routing.remembered <= LIMITS.remembered
        assert self.routing.waiting <= LIMITS.per_account_waiting * len(ACCOUNTS)
        assert self.routing.accounts <= len(ACCOUNTS)
        for (number, message_id), statuses in self.answers.items():
            if self.clients[number].agent:
                continue
            delivery = delivery_of(number, message_id)
            if "delivered" in statuses:
                assert self.confirmed[delivery] >= 1
            if "queued" in statuses:
                assert ("ada", delivery) in self.disk or ("bob", delivery) in self.disk or self.confirmed[delivery]


def delivery_of(number: int, message_id: str) -> str:
    from voicemode.gateway.post import delivery_id

    return delivery_id(f"d{number}", message_id)


@settings(max_examples=300)
@given(programs, st.booleans())
def test_a_message_stays_in_its_account_and_delivered_is_what_was_confirmed(program: list[Step], keeps: bool) -> None:
    world = World(keeps)
    for step in program:
        world.step(step)


@settings(max_examples=150)
@given(programs, st.booleans())
def test_in_the_end_every_message_has_an_answer_and_nothing_waits(program: list[Step], keeps: bool) -> None:
    world = World(keeps)
    for step in program:
        world.step(step)
    world.write(fails=False)
    # devices stay, repeat what they have no answer for, and nobody confirms anything any more
    devices = [each for each in world.clients.values() if not each.agent]
    for device in devices:
        world.feed(Drained(device.session))
        for message in world.sent[device.number]:
            if device.open and not world.answers[device.number, message.id]:
                world.feed(Received(device.session, message))
    for _ in range(3):
        world.now += LIMITS.patience
        world.feed(Tick())
        world.write(fails=False)
    assert world.routing.waiting == 0
    for device in devices:
        if device.open:
            assert all(world.answers[device.number, message.id] for message in world.sent[device.number])
    world.now += LIMITS.resumable
    for client in world.clients.values():
        if client.open:
            world.feed(Closed(client.session))
    world.now += LIMITS.resumable
    world.feed(Tick())
    assert (world.routing.accounts, world.routing.remembered, world.routing.deadline) == (0, 0, None)


def test_answers_are_remembered_up_to_a_bound() -> None:
    account = Account("ada")
    for number in range(ANSWERS + 1):
        asked = Asked("phone", "agent", str(number))
        account.remember(asked, link.Ack(id=str(number), status="delivered"))
    assert account.answered(Asked("phone", "agent", "0")) is None
    assert account.answered(Asked("phone", "agent", "1")) is not None


def test_more_messages_than_may_wait_are_refused_and_those_that_wait_go_out_in_order() -> None:
    world = World(keeps=False)
    ada, cora = world.clients[0], world.clients[4]
    for number in range(4):
        message = link.UserMessage(id=str(number), text=f"ada {number}", target_user="cora")
        world.feed(Received(ada.session, message))
    assert world.answers[0, "3"] == {"failed"}
    heard = world.unconfirmed[4]
    assert [each.text for each in heard] == ["ada 0", "ada 1"]
    world.feed(Received(cora.session, link.DeliveryConfirmation(message_id=heard[0].id)))
    assert [each.text for each in heard] == ["ada 0", "ada 1", "ada 2"]


def test_a_clock_that_jumps_by_a_year_ends_what_waits_once() -> None:
    world = World(keeps=False)
    ada = world.clients[0]
    world.feed(Received(ada.session, link.UserMessage(id="1", text="ada", target_user="cora")))
    world.now += 365 * 86_400
    world.feed(Tick())
    world.feed(Tick())
    assert world.answers[0, "1"] == {"offline"}
