"""``voicemode gateway``: it asks who its clients are, says what they are told, keeps its word and ends in time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from actors import link_messages as link
from tests.gateway.gateways import agent, phone
from voicemode.gateway.queue import MessageQueue

from .conftest import Run

KNOWN = "0123456789abcdef-of-ada"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"{KNOWN} ada Ada\n")
    file.chmod(0o600)
    return file


@contextmanager
def running(*args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "voicemode", "gateway", "--port", "0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=8)
    return process.returncode, out, err


def test_it_prints_what_clients_are_to_be_told_and_ends_at_ctrl_c() -> None:
    with running("--new-token") as process:
        lines = [line(process) for _ in range(4)]
        url = lines[0].split()[3].removesuffix(";")
        assert url.startswith("ws://127.0.0.1:")
        assert lines[1:3] == ["VOICEMODE_CONNECT_ENABLED=true", f"VOICEMODE_CONNECT_WS_URL={url}"]
        assert len(lines[3].removeprefix("VOICEMODE_CONNECT_TOKEN=")) >= 40
        assert ended(process, signal.SIGINT) == (130, "", "")


async def test_clients_are_told_when_it_ends_and_it_ends_in_time(tokens: Path) -> None:
    with running("--tokens", str(tokens), "--json") as process:
        url = json.loads(line(process))["url"]
        async with agent(url, token=KNOWN) as cora, phone(url, token=KNOWN) as ada:
            await ada.say(link.UserMessage(id="1", text="Hello.", target_user="cora"))
            delivery = await cora.wait_for(link.UserMessageDelivery)
            assert delivery.sender == "Ada"
            process.send_signal(signal.SIGTERM)
            assert (await ada.closed())[0] == 1001
            assert (await cora.closed())[0] == 1001
        out, err = process.communicate(timeout=5)
    assert (process.returncode, out, err) == (143, "", "")


@pytest.mark.thorough
async def test_killed_with_messages_it_has_queued_it_delivers_each_when_it_is_back(
    tokens: Path, tmp_path: Path
) -> None:
    options = ("--tokens", str(tokens), "--queue", str(tmp_path / "queue"), "--json")
    acknowledged: list[str] = []
    for trial in range(3):
        with running(*options) as process:
            url = json.loads(line(process))["url"]
            if trial == 0:
                async with agent(url, token=KNOWN):
                    pass
            async with phone(url, token=KNOWN) as ada:
                for number in range(5):
                    text = f"{trial}-{number}"
                    await ada.say(link.UserMessage(id=text, text=text, target_user="cora"))
                for _ in range(1 + trial):
                    answer = await ada.wait_for(link.Ack)
                    assert answer.status == "queued"
                    acknowledged.append(answer.id)
                process.kill()
    with running(*options) as process:
        url = json.loads(line(process))["url"]
        async with phone(url, token=KNOWN) as ada, agent(url, token=KNOWN) as cora:
            for text in acknowledged:
                # who did not hear the answer says it again
                await ada.say(link.UserMessage(id=text, text=text, target_user="cora"))
            heard: list[str] = []
            ids: list[str] = []
            while not set(acknowledged) <= set(heard):
                delivery = await cora.wait_for(link.UserMessageDelivery)
                if delivery.id not in ids:
                    heard.append(delivery.text)
                ids.append(delivery.id)
                await cora.say(link.DeliveryConfirmation(message_id=delivery.id))
            assert len(heard) == len(set(heard))


def test_it_never_runs_without_knowing_whose_connections_it_takes(run: Run) -> None:
    ran = run("gateway", "--port", "0")
    assert ran.code == 2
    assert "--new-token" in ran.complaint
    assert "--tokens FILE" in ran.complaint


def test_beyond_this_machine_a_token_for_one_start_is_not_enough(run: Run) -> None:
    ran = run("gateway", "--port", "0", "--host", "192.0.2.1", "--new-token")
    assert ran.code == 2
    assert "Beyond this machine, at 192.0.2.1" in ran.complaint


def test_an_issuers_tokens_have_to_be_for_something(run: Run) -> None:
    ran = run("gateway", "--port", "0", "--issuer", "https://issuer.example/")
    assert ran.code == 2
    assert "--audience" in ran.complaint


def test_a_queue_that_cannot_be_had_is_told(run: Run, tokens: Path) -> None:
    ran = run("gateway", "--port", "0", "--tokens", str(tokens), "--queue", str(tokens / "queue"))
    assert ran.code == 1
    assert "Name another file with --queue" in ran.complaint


def test_a_queue_that_another_gateway_has_is_refused(run: Run, tokens: Path, tmp_path: Path) -> None:
    with closing(MessageQueue.open(tmp_path / "queue")):
        done = run("gateway", "--port", "0", "--tokens", str(tokens), "--queue", str(tmp_path / "queue"))
    assert done.code == 1
    assert "is another gateway's, which runs: each has one of its own, named with --queue." in done.complaint


@pytest.mark.parametrize("origin", ["foo", "https://voice.example.org/page", "ftp://voice.example.org"])
def test_where_no_page_can_come_from_is_bad_usage(run: Run, tokens: Path, origin: str) -> None:
    done = run("gateway", "--port", "0", "--tokens", str(tokens), "--origin", origin)
    assert (done.code, "is not where a web page comes from" in done.complaint) == (2, True)


def test_a_package_that_is_missing_is_told() -> None:
    without = "import sys; sys.modules['starlette'] = None; from voicemode.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", without, "gateway", "--new-token", "--port", "0"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "pip install 'voicemode[gateway]'" in ran.stderr
