"""Who reaches whom: what becomes of connections and what they say in, what is to be sent to whom out.

Theory of operation.  A session is *opened* with its account, known from its token.  It says ``ready``, and counts from
then on; or it says ``resume`` with the token of a session that broke off, and that one goes on in its place.  An
agent's side says which users it has, all others are devices.  All that belong to one account reach one another and
nobody else: there is no step from one account to another in here.  ``post`` has the messages that are to arrive.

A session whose connection has gone is remembered for a while, with its token and its users, and so is, in ``post``,
what it has not confirmed.
"""

from __future__ import annotations

from collections import OrderedDict

from actors.link_messages import (
    AGENTS_PLATFORM,
    Ack,
    CapabilitiesUpdate,
    Connected,
    ConnectionInfo,
    DeliveryConfirmation,
    Devices,
    LinkError,
    LinkMessage,
    Listen,
    Ready,
    Resume,
    SessionResumed,
    Speak,
    Stop,
    Transcription,
    UserMessage,
    UserMessageDelivery,
)

from .account import Account
from .closing import REPLACED
from .events import (
    Adopt,
    Announce,
    Blocked,
    Close,
    Closed,
    Command,
    Drained,
    Event,
    Fetch,
    Fetched,
    Heard,
    Kept,
    NotKept,
    Opened,
    Received,
    Relayed,
    Remember,
    RemoteSession,
    Send,
    Tick,
    Told,
)
from .limits import Limits
from .names import targets_of
from .post import Post
from .session import Session
from .sizes import too_long


class Routing:
    """``keeps``: there is a queue.  ``feed`` returns what is to be done, in order."""

    def __init__(self, limits: Limits | None = None, *, keeps: bool = False) -> None:
        self._limits = limits or Limits()
        self._keeps = keeps
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[str, Session] = {}
        self._tokens: dict[str, Session] = {}
        # all are remembered equally long, so the first to go is the first to be forgotten
        self._gone: OrderedDict[str, Session] = OrderedDict()
        self._out: list[Command] = []
        self._post = Post(self._limits, keeps=keeps, out=self._out)

    @property
    def deadline(self) -> float | None:
        """When a ``Tick`` is due."""
        gone = next(iter(self._gone.values()), None)
        deadlines = [self._post.deadline, None if gone is None else gone.closed_at + self._limits.resumable]
        return min((each for each in deadlines if each is not None), default=None)

    @property
    def waiting(self) -> int:
        return self._post.count

    @property
    def remembered(self) -> int:
        return len(self._gone)

    @property
    def accounts(self) -> int:
        return len(self._accounts)

    def local(self, account: str) -> tuple[RemoteSession, ...]:
        """What other processes are to hear of ``account``."""
        known = self._accounts.get(account)
        return () if known is None else tuple(told for each in known.here() if (told := _told_of(each)) is not None)

    def feed(self, event: Event, now: float) -> list[Command]:
        """``now`` in seconds of a clock that only goes forward."""
        self._forget(now)
        self._post.expire(now)
        match event:
            case Opened():
                self._opened(event, now)
            case Received(session, message):
                self._received(session, message, now)
            case Closed(session):
                self._closed(session, now)
            case Blocked(session):
                self._blocked(session)
            case Drained(session):
                self._drained(session)
            case Kept() | NotKept() | Fetched():
                self._from_queue(event, now)
            case Heard() | Told() | Relayed():
                self._from_elsewhere(event, now)
            case Tick():
                pass
        done = self._out.copy()
        self._out.clear()
        return done

    def _opened(self, event: Opened, now: float) -> None:
        session = Session(
            id=event.session,
            account=event.account,
            token=event.token,
            name=event.name,
            since=now,
            active=now,
            wall=event.wall,
        )
        self._sessions[session.id] = self._tokens[session.token] = session
        self._account(event.account).sessions[session.id] = session
        self._out.append(
            Send(
                session.id,
                Connected(
                    session_id=session.id, session_token=session.token, user_id=session.account, timestamp=event.wall
                ),
            )
        )

    def _received(self, session_id: str, message: LinkMessage, now: float) -> None:
        session = self._sessions.get(session_id)
        if session is None or not session.open:
            return
        session.active = now
        account = self._accounts[session.account]
        match message:
            case Ready() | CapabilitiesUpdate() | Resume() | Stop() if (reason := too_long(message)) is not None:
                self._refuse(session, "INVALID_MESSAGE", reason)
            case Ready():
                self._ready(account, session, message)
            case Resume():
                self._resume(account, session, message.session_token, now)
            case _ if session.ready is None:
                self._refuse(session, "INVALID_MESSAGE", "the first message is ready, or resume")
            case CapabilitiesUpdate():
                self._announce(account, session, message)
            case UserMessage() | Transcription():
                self._post.accept(account, session, message, now)
            case Speak() | Listen() if session.agent:
                self._post.accept(account, session, message, now)
            case Stop():
                for other in account.devices() if session.agent else account.agents():
                    self._post.say(other, message, session)
            case DeliveryConfirmation():
                self._post.confirm(account, session, message)
                self._post.settle(account)
            case Ack():
                self._post.ack(account, session, message)
                self._post.settle(account)
            case _:
                self._refuse(session, "INVALID_MESSAGE", "this is not for you to say")

    def _ready(self, account: Account, session: Session, message: Ready) -> None:
        session.ready = message
        session.agent = session.agent or message.device.platform == AGENTS_PLATFORM
        for other in list(account.sessions.values()):
            # it is back, and did not resume
            if not other.open and not other.agent and other.identity == session.identity:
                self._drop(other)
        self._changed(account)
        self._post.settle(account)

    def _resume(self, account: Account, session: Session, token: str, now: float) -> None:
        old = self._tokens.get(token)
        if old is None or old is session or old.account != session.account or session.ready is not None:
            self._refuse(session, "SESSION_NOT_FOUND", "there is no such session any more; say ready")
            return
        if old.open:
            self._out.append(Close(old.id, REPLACED, "the session goes on over another connection"))
            old.closed_at = now
        self._drop(session)
        self._gone.pop(old.id, None)
        self._out.append(Adopt(session.id, old.id))
        old.open, old.blocked, old.active = True, False, now
        old.connection, old.flight = old.connection + 1, 0
        account.sessions.move_to_end(old.id)
        waits = sum(old.id in each.sent for each in account.waiting.values())
        away = round(1000 * (now - old.closed_at))
        self._out.append(
            Send(old.id, SessionResumed(session_token=token, queued_message_count=waits, disconnected_duration=away))
        )
        self._back(account, old)

    def _announce(self, account: Account, session: Session, message: CapabilitiesUpdate) -> None:
        if session.agent and session.users == message.users:
            return
        session.agent, session.users = True, message.users
        for other in list(account.sessions.values()):
            if not other.open and other.agent and other.identity == session.identity:
                self._drop(other)
        self._back(account, session)

    def _back(self, account: Account, session: Session) -> None:
        """A session can be sent things, and its users can be written to."""
        self._changed(account)
        self._post.settle(account)
        if self._keeps and session.users:
            targets = targets_of(session.users)
            self._out += [Remember(account.id, targets), Fetch(account.id, targets)]

    def _closed(self, session_id: str, now: float) -> None:
        session = self._sessions.get(session_id)
        if session is None or not session.open:
            return
        account = self._accounts[session.account]
        session.open, session.blocked, session.closed_at = False, False, now
        if session.ready is None:
            self._drop(session)
            self._forget_account(account)
            return
        self._gone[session.id] = session
        gone = [each for each in account.sessions.values() if not each.open]
        if len(gone) > self._limits.remembered_per_account:
            self._drop(min(gone, key=lambda each: each.closed_at))
        if len(self._gone) > self._limits.remembered:
            self._drop(next(iter(self._gone.values())))
        self._changed(account)
        self._post.settle(account)

    def _blocked(self, session_id: str) -> None:
        if (session := self._sessions.get(session_id)) is not None:
            session.blocked = True

    def _drained(self, session_id: str) -> None:
        session = self._sessions.get(session_id)
        if session is None or not session.open:
            return
        session.blocked = False
        account = self._accounts[session.account]
        if session.ready is not None:
            self._post.say(session, Devices(devices=_infos(account)))
        self._post.settle(account)

    def _from_queue(self, event: Kept | NotKept | Fetched, now: float) -> None:
        account = self._accounts.get(event.account)
        if account is None:
            return
        match event:
            case Kept():
                self._post.kept(account, event)
            case NotKept():
                self._post.not_kept(account, event)
            case Fetched():
                self._post.fetched(account, event, now)

    def _from_elsewhere(self, event: Heard | Told | Relayed, now: float) -> None:
        account = self._accounts.get(event.account)
        if account is None:
            return
        if isinstance(event, Heard):
            self._heard(account, event, now)
            return
        session = account.sessions.get(event.session)
        if session is None:
            return
        match event:
            case Told(process=process, sender=sender, message=message) if session.process is None:
                if isinstance(message, UserMessageDelivery | Transcription | Speak | Listen):
                    session.ask(message.id, (process, sender))
                if isinstance(message, Listen) or (isinstance(message, Speak) and message.wait_for_response):
                    session.listener = sender
                self._post.say(session, message)
            case Relayed(message=DeliveryConfirmation() as confirmation) if session.process is not None:
                self._post.confirm(account, session, confirmation)
                self._post.settle(account)
            case Relayed(message=Ack() as ack) if session.process is not None:
                self._post.ack(account, session, ack)
                self._post.settle(account)
            case _:
                pass

    def _heard(self, account: Account, event: Heard, now: float) -> None:
        there = {each.session for each in event.sessions}
        for session in [each for each in account.sessions.values() if each.process == event.process]:
            if session.id not in there:
                self._drop(session)
        for told in event.sessions:
            session = account.sessions.get(told.session) or Session(
                id=told.session, account=account.id, process=event.process, since=now, wall=told.wall, name=told.name
            )
            if session.process != event.process:
                continue
            account.sessions[session.id] = session
            session.ready, session.agent, session.users, session.active = told.ready, told.agent, told.users, now
            if self._keeps and told.users:
                self._out.append(Fetch(account.id, targets_of(told.users)))
        self._tell(account)
        self._post.settle(account)
        self._forget_account(account)

    def _changed(self, account: Account) -> None:
        self._tell(account)
        self._out.append(Announce(account.id))

    def _tell(self, account: Account) -> None:
        """Everybody hears of the connections, and devices of those who can be written to."""
        devices = Devices(devices=_infos(account))
        users = CapabilitiesUpdate(users=account.users())
        ready = [each for each in account.here() if each.ready is not None]
        for session in ready:
            self._post.say(session, devices)
        for session in ready:
            if session.device:
                self._post.say(session, users)

    def _refuse(self, session: Session, code: str, reason: str) -> None:
        self._post.say(session, LinkError(code=code, message=reason))

    def _account(self, account_id: str) -> Account:
        return self._accounts.setdefault(account_id, Account(account_id))

    def _drop(self, session: Session) -> None:
        self._accounts[session.account].sessions.pop(session.id, None)
        self._gone.pop(session.id, None)
        if session.process is None:
            self._sessions.pop(session.id, None)
            self._tokens.pop(session.token, None)

    def _forget(self, now: float) -> None:
        while self._gone:
            session = next(iter(self._gone.values()))
            if session.closed_at + self._limits.resumable > now:
                return
            self._drop(session)
            self._forget_account(self._accounts[session.account])

    def _forget_account(self, account: Account) -> None:
        """Once nobody of it is here, nor will come back, nobody is left to be told anything."""
        if all(each.process is not None for each in account.sessions.values()):
            for waiting in list(account.waiting.values()):
                self._post.drop(waiting)
            self._accounts.pop(account.id, None)


def _infos(account: Account) -> tuple[ConnectionInfo, ...]:
    return tuple(each.info() for each in account.sessions.values() if each.open and each.ready is not None)


def _told_of(session: Session) -> RemoteSession | None:
    if session.ready is None:
        return None
    return RemoteSession(
        session=session.id,
        ready=session.ready,
        name=session.name,
        wall=session.wall,
        agent=session.agent,
        users=session.users,
    )
