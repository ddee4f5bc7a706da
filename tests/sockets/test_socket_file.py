"""The socket's place in the file system: whose it is, what is replaced and what is left alone."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from actors.errors import SettingsError
from voicemode.control.server import PURPOSE
from voicemode.sockets import socket_file
from voicemode.sockets.socket_file import SocketFile

ROOT = Path(__file__).parents[2]

HOLD = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
from voicemode.control.server import PURPOSE
from voicemode.sockets.socket_file import SocketFile
file = SocketFile.take(Path(sys.argv[1]), PURPOSE)
print("listening", flush=True)
sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refused(path: Path) -> str:
    with pytest.raises(SettingsError) as refusal:
        SocketFile.take(path, PURPOSE)
    assert str(refusal.value).endswith("choose another place with VOICEMODE_CONTROL_SOCKET.")
    return str(refusal.value)


def test_socket_and_directory_are_for_their_owner_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        file = SocketFile.take(path, PURPOSE)
    finally:
        os.umask(before)
    assert (mode(path.parent), mode(path)) == (0o700, 0o600)
    file.release()
    file.release()


def test_permissions_of_our_own_directory_are_mended(tmp_path: Path) -> None:
    directory = tmp_path / ".voicemode"
    directory.mkdir()
    directory.chmod(0o775)
    SocketFile.take(directory / "control.sock", PURPOSE).release()
    assert mode(directory) == 0o700


def test_a_directory_that_is_not_ours_alone_stays_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    SocketFile.take(shared / "control.sock", PURPOSE).release()
    assert mode(shared) == 0o755
    shared.chmod(0o775)
    assert refused(shared / "control.sock").startswith(f"Others may write to {shared}, and could take a control")
    assert mode(shared) == 0o775


def test_a_directory_of_somebody_else_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    monkeypatch.setattr("os.geteuid", lambda: path.parent.stat().st_uid + 1)
    assert "belongs to somebody else" in refused(path)


def test_the_one_that_is_listened_at_is_not_taken_away(path: Path) -> None:
    file = SocketFile.take(path, PURPOSE)
    assert refused(path).startswith(f"Another conversation is controlled at {path} already; ")
    assert path.exists()
    file.release()


def test_one_at_which_so_many_wait_that_there_is_no_room_is_not_either(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_file, "WAITING", 0)
    file = SocketFile.take(path, PURPOSE)
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(os.fspath(path))
        assert "Another conversation" in refused(path)
    file.release()


def test_what_a_killed_process_left_is_replaced(path: Path) -> None:
    hold = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        assert "Another conversation" in refused(path)
        process.kill()
    assert path.is_socket()
    file = SocketFile.take(path, PURPOSE)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.fspath(path))
    file.release()


def test_of_several_that_find_a_stale_one_only_one_gets_it(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(os.fspath(path))
    taken: list[SocketFile] = []
    refusals: list[str] = []

    def take() -> None:
        try:
            taken.append(SocketFile.take(path, PURPOSE))
        except SettingsError as error:
            refusals.append(str(error))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refusals)) == (1, 7)
    taken[0].release()


def test_what_is_no_socket_stays(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    assert refused(path).startswith(f"{path} is no socket and stays as it is; ")
    assert path.read_text() == "precious"
    path.unlink()
    path.symlink_to(path.parent / "elsewhere")
    assert "is no socket" in refused(path)
    path.unlink()


def test_one_that_somebody_else_has_made_meanwhile_is_left(path: Path) -> None:
    first = SocketFile.take(path, PURPOSE)
    path.unlink()
    second = SocketFile.take(path, PURPOSE)
    first.release()
    assert path.exists()
    second.release()


def test_a_path_that_is_too_long_or_leads_nowhere_is_refused(tmp_path: Path) -> None:
    assert "too long" in refused(tmp_path / ("x" * 120))
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "control.sock")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
