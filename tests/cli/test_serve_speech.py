"""``voicemode serve-speech``: it says where it is, serves, and ends when it is told to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from .conftest import Run

pytestmark = pytest.mark.realtime


@contextmanager
def serving(*args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "voicemode", "serve-speech", "--port", "0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_it_says_where_it_is_in_one_line_and_ends_at_ctrl_c() -> None:
    with serving() as process:
        assert first_line(process).startswith("Speech for other programs at http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=2)
    assert (process.returncode, out, err) == (130, "", "")


def test_it_serves_and_ends_in_time_though_a_client_takes_nothing() -> None:
    with serving("--json") as process:
        ready = json.loads(first_line(process))
        assert list(ready) == ["url", "models"]
        url = httpx.URL(ready["url"])
        assert (url.host, url.path) == ("127.0.0.1", "/v1")
        assert httpx.get(f"{url}/models").status_code == 200
        text = "One two three four five six seven eight nine ten. " * 80
        body = json.dumps({"input": text, "response_format": "pcm", "speed": 0.5})
        with socket.create_connection((url.host, url.port or 0)) as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            stuck.sendall(f"{head}{body}".encode())
            assert stuck.recv(12) == b"HTTP/1.1 200"
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=2)
    assert (process.returncode, out, err) == (143, "", "")


def test_a_port_that_is_taken_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("serve-speech", "--port", str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "is taken by another program" in ran.complaint
    assert "--port 0" in ran.complaint


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_machine_is_bad_usage(run: Run, host: str) -> None:
    ran = run("serve-speech", "--port", "0", "--host", host)
    assert ran.code == 2
    assert "is not an address of this machine" in ran.complaint


def test_a_package_that_is_missing_is_told() -> None:
    without = "import sys; sys.modules['python_multipart'] = None; from voicemode.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", without, "serve-speech", "--port", "0"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "pip install 'voicemode[serve]'" in ran.stderr
