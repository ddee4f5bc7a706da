"""``voicemode providers``, with services on real sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest
import trio

from tests.speech.listing_server import ListingServer, offering
from tests.speech.speech_server import refusal
from voicemode.speech import discovery
from voicemode.speech.discovery import Spot

from .conftest import Run


@contextmanager
def service(*models: str, **options: Any) -> Iterator[ListingServer]:
    """One that works in a thread of its own, because the command line has the other."""
    there = threading.Event()
    found: list[ListingServer] = []
    stops: list[Any] = []

    async def serve() -> None:
        async with offering(*models, **options) as server:
            scope = trio.CancelScope()
            found.append(server)
            stops.append((trio.lowlevel.current_trio_token(), scope))
            there.set()
            with scope:
                await trio.sleep_forever()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    there.wait(10)
    try:
        yield found[0]
    finally:
        [(token, scope)] = stops
        token.run_sync_soon(scope.cancel)
        thread.join()


@pytest.fixture
def nobody() -> Generator[str]:
    """An address where nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}/v1"


def test_without_anything_there_are_the_embedded_engines(run: Run) -> None:
    ran = run("providers")
    assert (ran.code, ran.err) == (0, "")
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["listens", "pocketsphinx", "embedded", "up"] in [row[:4] for row in rows]
    assert ["speaks", "espeak-ng", "embedded", "up"] in [row[:4] for row in rows]


def test_a_key_that_is_not_used_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "VOICEMODE_ALLOW_REMOTE" not in run("providers").out
    monkeypatch.setenv("OPENAI_API_KEY", "hush-hush")
    shown = run("providers")
    assert "There is a key for OpenAI, which is not used: VOICEMODE_ALLOW_REMOTE is off." in shown.out
    assert "hush" not in shown.out + shown.err
    assert "not used" not in run("providers", "--stt", "pocketsphinx", "--tts", "espeak-ng").out


def test_what_is_found_on_this_machine_is_shown_with_what_it_has(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEMODE_ALWAYS_TRY_LOCAL", "true")
    with service("kokoro", "whisper-1", voices=("af_sky", "bf_emma")) as server:
        monkeypatch.setattr(discovery, "USUAL", (server.spot(),))
        listed = run("providers", "--json").json["providers"]
        shown = run("providers")
    assert [(row["service"], row["engine"], row["health"]) for row in listed] == [
        ("stt", server.url, "up"),
        ("stt", "pocketsphinx", "up"),
        ("tts", server.url, "up"),
        ("tts", "espeak-ng", "up"),
    ]
    assert (listed[2]["place"], listed[2]["model"]) == ("local", "kokoro")
    assert (listed[2]["models"], listed[2]["voices"]) == (["kokoro"], ["af_sky", "bf_emma"])
    assert (listed[0]["models"], listed[0]["voices"]) == (["whisper-1"], [])
    assert 0 < listed[2]["p50"] <= listed[2]["p95"]
    assert "1 model, 2 voices" in shown.out


def test_one_that_is_down_is_shown_with_the_reason_and_another_makes_up_for_it(run: Run, nobody: str) -> None:
    ran = run("providers", "--stt", f"{nobody},pocketsphinx")
    assert ran.code == 0
    row, reason = (line for line in ran.out.splitlines() if nobody in line)
    assert "down" in row
    assert reason.startswith(f"{nobody} cannot be reached")


def test_when_nobody_is_left_to_listen_the_exit_code_says_so(run: Run, nobody: str) -> None:
    with service(lists=refusal("401 No", "who are you?")) as server:
        ran = run("providers", "--stt", f"{nobody},{server.url}", "--json")
    assert ran.code == 1
    assert [row["health"] for row in ran.json["providers"]] == ["down", "down", "up"]
    assert "who are you?" in ran.json["providers"][1]["error"]


def test_an_engine_that_is_not_installed_is_shown_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    monkeypatch.delitem(sys.modules, "voicemode.speech.pocketsphinx", raising=False)
    ran = run("providers", "--json")
    (row,) = (row for row in ran.json["providers"] if row["service"] == "stt")
    assert (ran.code, row["health"]) == (1, "down")
    assert "pip install" in row["error"]


def test_keys_and_passwords_are_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    monkeypatch.setenv("VOICEMODE_STT_KEY", "hush-hush")
    address = nobody.replace("//", "//me:secret@")
    for flags in ([], ["--json"]):
        ran = run("providers", "--stt", f"{address},pocketsphinx", *flags)
        assert "hush" not in ran.out + ran.err
        assert "secret" not in ran.out + ran.err


def test_an_unknown_engine_is_bad_usage(run: Run) -> None:
    ran = run("providers", "--tts", "nobody")
    assert ran.code == 2
    assert "'nobody'" in ran.complaint


def test_the_live_table_is_not_for_programs(run: Run) -> None:
    ran = run("providers", "--watch", "--json")
    assert ran.code == 2
    assert "choose one" in ran.err
    assert json.loads(ran.out)["error"]["type"] == "UsageError"


def test_watching_goes_on_until_it_is_stopped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []
    command = import_module("voicemode.cli.providers")
    show = command.table

    def counted(rows: Any) -> Any:
        rounds.append(len(rows))
        if len(rounds) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return show(rows)

    monkeypatch.setattr(command, "table", counted)
    monkeypatch.setattr(command, "EVERY", 0.01)
    ran = run("providers", "--watch")
    assert ran.code == 130
    assert len(rounds) >= 3
    assert "pocketsphinx" in ran.out


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Generator[socket.socket]:
    """Accepts where Whisper usually is, and says nothing."""
    monkeypatch.setenv("VOICEMODE_ALWAYS_TRY_LOCAL", "true")
    monkeypatch.setenv("VOICEMODE_PROVIDER_SILENCE", "0.2")
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        monkeypatch.setattr(discovery, "USUAL", (Spot(listener.getsockname()[1], ("stt",)),))
        yield listener


def test_a_service_that_says_nothing_is_asked_once_and_no_longer_than_the_settings_say(
    run: Run, silent: socket.socket
) -> None:
    row = run("providers", "--json").json["providers"][0]
    assert (row["health"], row["place"]) == ("down", "local")
    assert "did not say within 0.2 s whether it is there" in row["error"]
    silent.setblocking(False)
    asked = 0
    with pytest.raises(BlockingIOError):
        while True:
            connection, _ = silent.accept()
            with connection:
                asked += bool(connection.recv(4096))
    assert asked == 1


def test_what_is_piped_is_not_too_wide_and_leaves_nothing_out(run: Run, silent: socket.socket) -> None:
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
    with service("Systran/faster-whisper-large-v3", voices=("af_sky", "bf_emma")) as server:
        shown = run("providers", "--stt", f"{url},{server.url}").out
    lines = [line.rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= 100
    (row,) = (line for line in lines if url in line and "local" in line)
    assert row.split()[:4] == ["listens", url, "local", "down"]
    (reason,) = (line for line in lines if line.startswith(url))
    assert "did not say within 0.2 s whether it is there." in reason
    assert "it too much to do?" in " ".join(shown.split())
    assert any(line.endswith(" faster-whisper-large-v3") for line in lines)
