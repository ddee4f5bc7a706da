"""Lines of several processes do not mix, and a process that is killed leaves whole ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exchanges.saying import keep, said
from voicemode.exchanges.appending import append
from voicemode.exchanges.reading import Exchanges

ROOT = Path(__file__).parents[2]

WRITER = """
import itertools, json, sys
from pathlib import Path
from voicemode.exchanges.appending import append

path, name, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for number in range(count) if count else itertools.count():
    line = {"timestamp": "2026-03-04T12:00:00Z", "type": "stt", "text": f"{name} {number} " + name * size}
    append(path, json.dumps(line).encode() + b"\\n")
    if number == 20:
        print("writing", flush=True)
"""


def writer(path: Path, name: str, *, count: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "exchanges.jsonl"
    running = [writer(path, name, count=300, size=500) for name in "abcd"]
    for process in running:
        process.communicate()
        assert process.returncode == 0
    found = [json.loads(line)["text"].split() for line in path.read_text().splitlines()]
    assert len(found) == 1200
    for name in "abcd":
        assert [int(number) for who, number, _ in found if who == name] == list(range(300))
    assert all(text == name * 500 for name, _, text in found)


def test_a_process_that_is_killed_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "exchanges.jsonl"
    for name in "abcde":
        with writer(path, name, count=0, size=1500) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()
    content = path.read_bytes().rstrip(b" ")
    assert content.endswith(b"\n")
    texts = [json.loads(line)["text"].split() for line in content.splitlines()]
    assert {who for who, _, _ in texts} == set("abcde")
    assert all(text == name * 1500 for name, _, text in texts)


def test_a_line_of_at_most_a_page_lies_in_one(tmp_path: Path) -> None:
    path = keep(tmp_path, *(said("x" * (100 * number)) for number in range(1, 38)))
    content = path.read_bytes()
    begin = 0
    for line in content.splitlines(keepends=True):
        first = begin + len(line) - len(line.lstrip(b" "))
        begin += len(line)
        assert first // 4096 == (begin - 1) // 4096
    keep(tmp_path, said("y" * 10_000))
    assert [len(exchange.text) for exchange in Exchanges(tmp_path)] == [*range(100, 3800, 100), 10_000]


def test_what_follows_a_line_that_was_cut_short_is_whole(tmp_path: Path) -> None:
    path = keep(tmp_path, said("one"), said("two"))
    os.truncate(path, path.stat().st_size - 20)
    keep(tmp_path, said("three"))
    kept = Exchanges(tmp_path)
    assert [exchange.text for exchange in kept] == ["one", "three"]
    assert kept.broken == 1


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = keep(tmp_path / "base", said("one"))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    folder = path.parent
    while folder != tmp_path:
        assert folder.stat().st_mode & 0o777 == 0o700
        folder = folder.parent


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = keep(tmp_path, said("one"))
    path.chmod(0o644)
    keep(tmp_path, said("two"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_is_an_error_and_the_next_line_is_whole(tmp_path: Path) -> None:
    path = keep(tmp_path, said("one"))
    code = """
import resource, signal, sys
from pathlib import Path
from voicemode.exchanges.appending import append

path = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10,) * 2)
try:
    append(path, b"x" * 100 + b"\\n")
except OSError as error:
    print(error.strerror)
"""
    ran = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "No space left on device\n"
    keep(tmp_path, said("two"))
    assert [exchange.text for exchange in Exchanges(tmp_path)] == ["one", "two"]


def test_a_directory_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        append(tmp_path / "logs" / "conversations" / "x.jsonl", b"{}\n")
