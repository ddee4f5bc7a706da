"""The durable queue: what is acknowledged as queued is delivered, whatever is killed, and once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors import link_messages as link
from tests.gateway.gateways import agent, emptied, gateway, phone, users
from voicemode.gateway.events import Discard, Entry, Fetch, Fetched, Keep, Kept, NotKept, Remember
from voicemode.gateway.limits import Limits
from voicemode.gateway.queue import MessageQueue, QueueError, QueueLimits


def entry(number: int, target: str = "cora", account: str = "ada") -> Entry:
    message = link.UserMessageDelivery(id=f"m{number}", text=f"No. {number}", target_user=target)
    return Entry(account=account, id=message.id, target=target, message=message)


def known(queue: MessageQueue, *targets: str, account: str = "ada") -> None:
    queue.carry_out([Remember(account, targets or ("cora",))])


def fetched(queue: MessageQueue, *targets: str, account: str = "ada") -> list[str]:
    found = queue.carry_out([Fetch(account, targets or ("cora",))])
    return [each.id for report in found if isinstance(report, Fetched) for each in report.entries]


def test_what_is_kept_is_fetched_in_order_by_those_it_is_for(queue: MessageQueue) -> None:
    known(queue, "cora", "dora")
    kept = queue.carry_out([Keep(entry(1)), Keep(entry(2, "dora")), Keep(entry(3))])
    assert kept == [Kept("ada", "m1"), Kept("ada", "m2"), Kept("ada", "m3")]
    assert fetched(queue) == ["m1", "m3"]
    assert fetched(queue, "dora", "cora") == ["m1", "m2", "m3"]
    assert fetched(queue, account="bob") == []
    queue.carry_out([Discard("bob", "m1", ("cora",)), Discard("ada", "m1", ("dora",)), Discard("ada", "m3", ("cora",))])
    assert fetched(queue) == ["m1"]


def test_the_same_message_is_kept_once(queue: MessageQueue) -> None:
    known(queue)
    assert queue.carry_out([Keep(entry(1)), Keep(entry(1))]) == [Kept("ada", "m1")] * 2
    assert (fetched(queue), queue.count()) == (["m1"], 1)


def test_nothing_is_kept_for_a_name_that_nobody_has_had(queue: MessageQueue) -> None:
    known(queue, account="bob")
    assert queue.carry_out([Keep(entry(1))]) == [NotKept("ada", "m1", "nobody of that name has been here")]


def test_there_are_so_many_of_an_account_and_so_many_in_all(tmp_path: Path) -> None:
    queue = MessageQueue.open(tmp_path / "queue", QueueLimits(per_account=2, in_all=3))
    for account in ("ada", "bob"):
        known(queue, account=account)
    kept = queue.carry_out([Keep(entry(number)) for number in range(3)])
    assert kept[2] == NotKept("ada", "m2", "too many messages are kept already")
    kept = queue.carry_out([Keep(entry(number, account="bob")) for number in range(2)])
    assert kept[1] == NotKept("bob", "m1", "the gateway keeps as many messages as it can")
    queue.close()


def test_old_messages_go(tmp_path: Path) -> None:
    now = [1000.0]
    queue = MessageQueue.open(tmp_path / "queue", QueueLimits(age=10), clock=lambda: now[0])
    known(queue)
    queue.carry_out([Keep(entry(1))])
    now[0] += 11
    assert fetched(queue) == []
    queue.close()


def test_no_more_names_are_remembered_than_may_be(queue: MessageQueue) -> None:
    for first in range(0, 900, 100):
        known(queue, *(f"n{number}" for number in range(first, first + 100)))
    assert isinstance(queue.carry_out([Keep(entry(1, "n0"))])[0], NotKept)
    assert isinstance(queue.carry_out([Keep(entry(1, "n899"))])[0], Kept)


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    queue = MessageQueue.open(tmp_path / "queue")
    known(queue)
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == dict.fromkeys(
        ("queue", "queue-wal"), "0o600"
    )
    queue.close()


def test_a_file_that_is_no_queue_is_told(tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("Dear diary, " * 100)
    with pytest.raises(QueueError, match="Name another file with --queue"):
        MessageQueue.open(tmp_path / "queue")


async def test_a_full_disk_keeps_nothing_and_says_so(queue: MessageQueue) -> None:
    known(queue)
    queue._connection.execute("PRAGMA max_page_count = 1")
    long = link.UserMessage(id="1", text="x" * 10_000, target_user="cora")
    async with gateway(queue=queue) as there, phone(there.url) as ada:
        await ada.say(long)
        assert (await ada.wait_for(link.Ack)).error == "agent offline: it could not be written down"
        queue._connection.execute("PRAGMA max_page_count = 10000")
        await ada.say(long)
        assert (await ada.wait_for(link.Ack)).status == "queued"


CHILD = """
import sys
from pathlib import Path
from tests.gateway.test_queue import entry, known
from voicemode.gateway.events import Keep
from voicemode.gateway.queue import MessageQueue

queue = MessageQueue.open(Path(sys.argv[1]))
known(queue)
number = int(sys.argv[2])
while True:
    for report in queue.carry_out([Keep(entry(each)) for each in range(number, number + 7)]):
        print(report.id, flush=True)
    number += 7
"""


@pytest.mark.thorough
def test_killed_at_any_moment_it_has_all_that_it_said_it_has(tmp_path: Path) -> None:
    said: list[str] = []
    for trial in range(5):
        command = [sys.executable, "-c", CHILD, str(tmp_path / "queue"), str(1_000 * trial)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(1 + trial):
                said.append(child.stdout.readline().strip())
            child.kill()
            said += child.stdout.read().split("\n")[:-1]
    queue = MessageQueue.open(tmp_path / "queue")
    rows = queue._connection.execute("SELECT id FROM message").fetchall()
    there = [str(row[0]) for row in rows]
    assert set(said) <= set(there)
    assert len(there) == len(set(there))
    queue.close()


HELLO = link.UserMessage(id="1", text="Hello.", target_user="cora")


async def queued(url: str, *messages: link.UserMessage) -> Sequence[str]:
    async with phone(url) as ada:
        for message in messages:
            await ada.say(message)
        return [(await ada.wait_for(link.Ack)).status for _ in messages]


async def test_a_message_for_one_who_is_away_waits_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    for attempt in range(2):
        queue = MessageQueue.open(path)
        async with gateway(queue=queue) as there:
            if attempt == 0:
                async with agent(there.url):
                    pass
            # the same message, and a gateway that knows nothing of it but what is on the disk
            assert await queued(there.url, HELLO) == ["queued"]
        queue.close()
    queue = MessageQueue.open(path)
    async with gateway(queue=queue) as there, agent(there.url) as cora:
        delivery = await cora.wait_for(link.UserMessageDelivery)
        assert (delivery.text, delivery.target_user) == ("Hello.", "cora")
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        await emptied(there)
    queue.close()


async def test_a_message_that_is_not_confirmed_is_kept_and_goes_when_it_is(queue: MessageQueue) -> None:
    async with gateway(Limits(patience=0.1), queue=queue) as there, agent(there.url) as cora, phone(there.url) as ada:
        await ada.say(HELLO)
        delivery = await cora.wait_for(link.UserMessageDelivery)
        assert (await ada.wait_for(link.Ack)).status == "queued"
        await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
        await emptied(there)


async def test_all_that_is_kept_comes_when_one_is_back_however_much(queue: MessageQueue) -> None:
    limits = Limits(frames=1000, burst=1000, per_target=500)
    async with gateway(limits, queue=queue) as there:
        async with agent(there.url):
            pass
        messages = [link.UserMessage(id=str(number), text=f"{number}", target_user="cora") for number in range(120)]
        assert set(await queued(there.url, *messages)) == {"queued"}
        async with agent(there.url) as cora:
            heard: list[str] = []
            while len(heard) < len(messages):
                delivery = await cora.wait_for(link.UserMessageDelivery)
                heard.append(delivery.text)
                await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
            assert heard == [message.text for message in messages]
            await emptied(there)


async def test_a_name_that_was_never_here_is_offline(queue: MessageQueue) -> None:
    async with gateway(queue=queue) as there, phone(there.url) as ada, agent(there.url) as cora:
        await cora.say(users("dora"))
        await ada.say(link.UserMessage(id="1", text="Hello.", target_user="flora"))
        answer = await ada.wait_for(link.Ack)
        assert (answer.status, answer.error) == ("offline", "agent offline: nobody of that name has been here")


async def test_a_surrogate_is_no_name(queue: MessageQueue) -> None:
    async with gateway(queue=queue) as there, phone(there.url) as ada:
        frame = '{"type": "user_message", "id": "1", "text": "a\\ud800b", "target_user": "\\udfff"}'
        await ada.socket.send_message(frame)
        assert isinstance(await ada.wait_for(link.LinkError), link.LinkError)
        await ada.say(link.UserMessage(id="2", text="\0", target_user="\0"))
        assert (await ada.wait_for(link.Ack)).status == "offline"
