"""Messages on their way: each waits here until its recipient has said that it has it, and its sender is told then.

Theory of operation.  What is to reach an agent's side or a device *waits* until it is confirmed or its patience is
over.  It is sent to whoever is meant as soon as they can be sent something, and again when none of the connections
that it was sent over is left.  Whoever receives drops repeats by id, so it may be sent as often as it takes.  A message
that its sender repeats is one and the same: it is answered when there is an answer, and with that one from then on.

Where there is a queue, a message that nobody is there for, or that nobody confirmed in time, is kept in it, and its
sender is told so once it is durable.  It is fetched when somebody of that name is there.
"""

from __future__ import annotations

from collections import OrderedDict

from attrs import evolve

from actors.link_messages import (
    Ack,
    AckStatus,
    DeliveryConfirmation,
    LinkMessage,
    Listen,
    Speak,
    Transcription,
    UserMessage,
    UserMessageDelivery,
)

from ..connect.delivery_id import delivery_id
from .account import Account, Asked, Carried, Direction, Waiting
from .events import Command, Discard, Entry, Fetch, Fetched, Keep, Kept, NotKept, Relay, Send, Tell
from .limits import Limits
from .names import Found, Meant, Several, address_of, only_one, targets_of
from .session import Session
from .sizes import size_of, too_long

OFFLINE = "agent offline"
NO_DEVICE = "no device is connected"


class Post:
    """Commands go to ``out``, in order."""

    def __init__(self, limits: Limits, *, keeps: bool, out: list[Command]) -> None:
        self._limits, self._keeps, self._out = limits, keeps, out
        # all wait equally long, so the first to come is the first to be given up
        self._waiting: OrderedDict[tuple[str, str, str], Waiting] = OrderedDict()
        self._size = 0

    @property
    def deadline(self) -> float | None:
        first = next(iter(self._waiting.values()), None)
        return None if first is None else first.deadline

    @property
    def count(self) -> int:
        return len(self._waiting)

    def accept(
        self,
        account: Account,
        sender: Session,
        message: UserMessage | Transcription | Speak | Listen,
        now: float,
    ) -> None:
        direction: Direction = "device" if isinstance(message, Speak | Listen) else "agent"
        asked = Asked(sender.identity, direction, message.id)
        if (answer := account.answered(asked)) is not None:
            self.say(sender, answer)
        elif (known := account.asked.get(asked)) is not None:
            known.origin = sender.id
            self._tell_again(known)
        elif (refusal := self._refusal(message)) is not None:
            self.say(sender, refusal)
        elif isinstance(message, Speak | Listen):
            self._accept_for_devices(account, sender, message, asked, now)
        else:
            self._accept_for_agent(account, sender, message, asked, now)

    def settle(self, account: Account) -> None:
        """Send what waits to whoever can be sent it and has not been: connections have come, gone, or been read."""
        for waiting in list(account.waiting.values()):
            self._send(waiting)

    def confirm(self, account: Account, session: Session, confirmation: DeliveryConfirmation) -> None:
        """An agent's side has a message, or refuses it."""
        waiting = account.waiting.get(("agent", confirmation.message_id))
        if waiting is None or session.id not in waiting.sent:
            self._late(account, session, confirmation.message_id, confirmation)
        elif confirmation.delivered:
            self._finish(waiting, "delivered")
            if waiting.queued:
                self._discard(account, session, confirmation.message_id)
                if not any(each.queued for each in account.waiting.values()):
                    self._out.append(Fetch(account.id, targets_of(session.users)))
        elif waiting.asked is None:
            self.drop(waiting)
        else:
            self._finish(
                waiting, "failed", confirmation.reason or "the agent's side could not keep it", "NOT_DELIVERED"
            )

    def ack(self, account: Account, session: Session, ack: Ack) -> None:
        """A device has, or says of, what it was sent; an agent's side may confirm a transcription in the same way."""
        waiting = account.waiting.get(("device", ack.id))
        if waiting is not None and session.id in waiting.sent:
            self._answered_by_device(waiting, session, ack)
        elif ("agent", ack.id) in account.waiting:
            taken = ack.status in {"delivered", "received", "queued"}
            self.confirm(account, session, DeliveryConfirmation(message_id=ack.id, delivered=taken, reason=ack.error))
        else:
            self._late(account, session, ack.id, ack)

    def kept(self, account: Account, event: Kept) -> None:
        waiting = account.waiting.get(("agent", event.id))
        if waiting is None or not waiting.keeping:
            return
        target = waiting.target
        self._finish(waiting, "queued")
        if target is not None and isinstance(found := account.find(target, _NEVER), Found):
            self._out.append(Fetch(account.id, targets_of(found.session.users)))

    def not_kept(self, account: Account, event: NotKept) -> None:
        waiting = account.waiting.get(("agent", event.id))
        if waiting is not None and waiting.keeping:
            self._finish(waiting, "offline", f"{OFFLINE}: {event.reason}", "AGENT_OFFLINE")

    def fetched(self, account: Account, event: Fetched, now: float) -> None:
        """What was in the queue goes to whoever it is for; it stays there until they have it."""
        for entry in event.entries:
            known = account.waiting.get(("agent", entry.id))
            if known is not None:
                known.queued = True
            elif self._room(account, entry.message):
                self._take_in(account, entry.message, "agent", now, target=entry.target, queued=True)

    def expire(self, now: float) -> None:
        while self._waiting:
            waiting = next(iter(self._waiting.values()))
            if waiting.deadline > now:
                return
            if waiting.direction == "device":
                self._finish(waiting, "offline", "no device answered", "DEVICE_OFFLINE")
            elif waiting.asked is None:
                self.drop(waiting)
            elif waiting.keeping or not self._keep(waiting, now):
                self._finish(waiting, "offline", OFFLINE, "AGENT_OFFLINE")

    def say(self, session: Session | None, message: LinkMessage, sender: Session | None = None) -> None:
        """Send something that is not kept when it cannot be sent."""
        if session is None:
            return
        if session.process is not None:
            by = "" if sender is None else sender.id
            self._out.append(
                Tell(process=session.process, account=session.account, session=session.id, sender=by, message=message)
            )
        elif session.usable:
            self._out.append(Send(session.id, message))

    def _refusal(self, message: UserMessage | Transcription | Speak | Listen) -> Ack | None:
        if not message.id:
            return _failed(message.id, "INVALID_MESSAGE", "an id is needed")
        if (reason := too_long(message)) is not None:
            return _failed(message.id, "TEXT_TOO_LONG", reason)
        return None

    def _accept_for_agent(
        self, account: Account, sender: Session, message: UserMessage | Transcription, asked: Asked, now: float
    ) -> None:
        if isinstance(message, Transcription) and message.target_user is None:
            found, session = self._listener(account, sender)
            target = None
        else:
            target, session = message.target_user or "", None
            found = account.find(target, now - self._limits.back)
        if isinstance(found, Several):
            self.say(sender, _failed(asked.id, "AMBIGUOUS_TARGET", f"several are meant: {', '.join(found.addresses)}"))
            return
        if isinstance(found, Found) and session is None:
            target = target or address_of(found.user)
        if isinstance(message, Transcription):
            # an answer goes by the id of what it answers
            own = message.id if message.id in sender.asked else delivery_id(sender.identity, message.id)
            message = evolve(message, id=own, device_id=message.device_id or sender.identity)
            if not message.is_final:
                if isinstance(found, Found):
                    self.say(found.session, message, sender)
                return
            carried: Carried = message
        else:
            carried = UserMessageDelivery(
                id=delivery_id(sender.identity, message.id),
                text=message.text,
                target_user=found.user.name if isinstance(found, Found) else message.target_user,
                sender=sender.sender,
                user_id=account.id,
            )
        if isinstance(found, Found) and (found.session.open or not self._keeps):
            self._wait(account, sender, carried, asked, now, target=target, session=session)
        elif self._keeps and target:
            self._wait(account, sender, carried, asked, now, target=target, keep=True)
        else:
            self.say(sender, Ack(id=asked.id, status="offline", error=OFFLINE, error_code="AGENT_OFFLINE"))

    def _listener(self, account: Account, device: Session) -> tuple[Meant, str | None]:
        """Who a device speaks to that names nobody: whoever asked it to listen last, or the only one there is."""
        asker = account.sessions.get(device.listener or "")
        if asker is not None and asker.open and asker.users:
            return Found(asker, asker.users[0]), asker.id
        return only_one(account.agents()), None

    def _accept_for_devices(
        self, account: Account, sender: Session, message: Speak | Listen, asked: Asked, now: float
    ) -> None:
        there = any(each.speaks and message.device_id in {None, each.identity} for each in account.devices())
        if there or account.gone_device(message.device_id, now - self._limits.back):
            self._wait(account, sender, message, asked, now, target=message.device_id)
        else:
            self.say(sender, Ack(id=message.id, status="offline", error=NO_DEVICE, error_code="DEVICE_OFFLINE"))

    def _wait(
        self,
        account: Account,
        sender: Session,
        message: Carried,
        asked: Asked,
        now: float,
        *,
        target: str | None,
        session: str | None = None,
        keep: bool = False,
    ) -> None:
        known = account.waiting.get((asked.direction, message.id))
        if known is not None and known.asked is None:
            # it is on its way from the queue already
            known.asked, known.origin = asked, sender.id
            account.asked[asked] = known
            return
        if known is not None:
            self.say(sender, _failed(asked.id, "DUPLICATE_ID", "another message that is on its way has this id"))
            return
        ahead = sum(each.target == target and each.session == session for each in account.waiting.values())
        if ahead >= self._limits.per_target or not self._room(account, message):
            self.say(sender, _failed(asked.id, "BUSY", "too many messages wait already; try again later"))
            return
        self._take_in(account, message, asked.direction, now, target, session, sender.id, asked, keep=keep)

    def _room(self, account: Account, message: Carried) -> bool:
        size, limits = size_of(message), self._limits
        return (
            len(account.waiting) < limits.per_account_waiting
            and account.size + size <= limits.waiting_size_per_account
            and self._size + size <= limits.waiting_size
        )

    def _take_in(
        self,
        account: Account,
        message: Carried,
        direction: Direction,
        now: float,
        target: str | None = None,
        session: str | None = None,
        origin: str | None = None,
        asked: Asked | None = None,
        *,
        keep: bool = False,
        queued: bool = False,
    ) -> None:
        waiting = Waiting(
            message=message,
            direction=direction,
            deadline=now + self._limits.patience,
            account=account,
            target=target,
            session=session,
            origin=origin,
            asked=asked,
            queued=queued,
            size=size_of(message),
        )
        self._size += waiting.size
        account.take_in(waiting)
        self._waiting[account.id, *waiting.key] = waiting
        if not (keep and self._keep(waiting, now)):
            self._send(waiting)

    def _keep(self, waiting: Waiting, now: float) -> bool:
        """Have it written to the queue, and give that as long as anything."""
        message = waiting.message
        if not self._keeps or waiting.target is None or isinstance(message, Speak | Listen):
            return False
        waiting.keeping = True
        waiting.deadline = now + self._limits.patience
        self._waiting.move_to_end((waiting.account.id, *waiting.key))
        entry = Entry(account=waiting.account.id, id=message.id, target=waiting.target, message=message)
        self._out.append(Keep(entry))
        return True

    def _send(self, waiting: Waiting) -> None:
        account = waiting.account
        if waiting.keeping or any(
            (session := account.sessions.get(each)) is not None and session.open and session.connection == connection
            for each, connection in waiting.sent.items()
        ):
            return
        for session in self._recipients(waiting):
            if not session.usable or session.flight >= self._limits.window:
                continue
            waiting.sent[session.id] = session.connection
            session.flight += 1
            session.ask(waiting.message.id, (None, waiting.origin or ""))
            asker = account.sessions.get(waiting.origin or "")
            if isinstance(waiting.message, Listen) or (
                isinstance(waiting.message, Speak) and waiting.message.wait_for_response
            ):
                session.listener = waiting.origin
            self.say(session, waiting.message, asker)

    def _tell_again(self, waiting: Waiting) -> None:
        """What went to another process may have been lost between them."""
        sessions = [waiting.account.sessions.get(each) for each in waiting.sent]
        for session in sessions:
            if session is not None and session.process is not None:
                self.say(session, waiting.message, waiting.account.sessions.get(waiting.origin or ""))

    def _recipients(self, waiting: Waiting) -> list[Session]:
        account = waiting.account
        if waiting.direction == "device":
            able = [each for each in account.devices() if each.speaks]
            return [each for each in able if waiting.target in {None, each.identity}]
        if waiting.session is not None:
            session = account.sessions.get(waiting.session)
            return [] if session is None else [session]
        found = account.find(waiting.target or "", _NEVER)
        return [found.session] if isinstance(found, Found) else []

    def _answered_by_device(self, waiting: Waiting, session: Session, ack: Ack) -> None:
        if ack.status == "failed":
            if waiting.sent.pop(session.id) == session.connection:
                session.flight -= 1
            if any((other := waiting.account.sessions.get(each)) and other.open for each in waiting.sent):
                return
        self._finish(waiting, ack.status, ack.error, ack.error_code)

    def _late(self, account: Account, session: Session, message_id: str, answer: DeliveryConfirmation | Ack) -> None:
        """Nobody waits for this any more: it may say more of something, be for another process, or for the queue."""
        process, asker = session.asked.get(message_id, (None, ""))
        if process is not None:
            self._out.append(Relay(process=process, account=account.id, session=session.id, message=answer))
        elif isinstance(answer, Ack):
            if session.device:
                self.say(account.sessions.get(asker), answer)
        elif answer.delivered:
            self._discard(account, session, message_id)

    def _discard(self, account: Account, session: Session, message_id: str) -> None:
        if self._keeps:
            self._out.append(Discard(account.id, message_id, targets_of(session.users)))

    def _finish(self, waiting: Waiting, status: AckStatus, error: str | None = None, code: str | None = None) -> None:
        """Tell whoever asked.  What was taken is answered in the same way for good; what was not may be tried again."""
        self.drop(waiting)
        if waiting.asked is None:
            return
        answer = Ack(id=waiting.asked.id, status=status, error=error, error_code=code)
        if status in {"delivered", "queued", "received"}:
            waiting.account.remember(waiting.asked, answer)
        self.say(waiting.account.sessions.get(waiting.origin or ""), answer)

    def drop(self, waiting: Waiting) -> None:
        """Nobody is told."""
        if self._waiting.pop((waiting.account.id, *waiting.key), None) is None:
            return
        self._size -= waiting.size
        waiting.account.let_go(waiting)
        for each, connection in waiting.sent.items():
            session = waiting.account.sessions.get(each)
            if session is not None and session.connection == connection:
                session.flight -= 1


_NEVER = float("inf")
"""Gone since then is nobody."""


def _failed(message_id: str, code: str, error: str) -> Ack:
    return Ack(id=message_id, status="failed", error=error, error_code=code)
