"""Those who can be written to, in files.  In: a directory.  Out: users, each with a name that stays the same.

Below ``connect/users`` every user has a directory of their name: ``meta.json`` says who that is, in the form of
VoiceMode 8; messages are kept in ``inbox``; ``live`` says by whom the user is woken at the moment, which changes.
All of it is for its owner alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from attrs import frozen

from actors.errors import SettingsError, VoiceError

from ..config.places import write
from ..locks.alone import alone_with
from . import live
from .names import checked
from .recipients import teams_directory

META, INBOX = "meta.json", "inbox"

LONGEST_LINE = 100
"""Characters of what people or hosts are called."""

_TEXTS = ("display_name", "created", "last_seen", "host", "platform")

Json: TypeAlias = dict[str, Any]


@frozen(kw_only=True)
class User:
    """``name`` is the address, ``display_name`` for people; times in ISO 8601.  ``fault`` is what is wrong with their
    file, whose other fields are empty then; they can be written to all the same."""

    name: str
    display_name: str
    created: str = ""
    last_seen: str = ""
    host: str = ""
    platform: str = ""
    fault: str = ""


class Users:
    """Every method blocks for the milliseconds that files take, two seconds at most, and raises VoiceError when they
    cannot be used."""

    def __init__(self, base_dir: Path, *, teams: Path | None = None) -> None:
        """``teams`` is where Claude Code keeps its teams.  Raises VoiceError where nobody knows the home directory."""
        self.directory = base_dir / "connect" / "users"
        self.teams = teams_directory() if teams is None else teams

    def directory_of(self, name: str) -> Path:
        """Whether the user is there or not.  Raises SettingsError for what can be no name."""
        return self.directory / checked(name)

    def listed(self) -> tuple[User, ...]:
        """By name.  Who is called what can be no name is left out."""
        with self.naming():
            try:
                names = sorted(path.name for path in self.directory.iterdir())
            except FileNotFoundError:
                return ()
            return tuple(user for name in names if _is_name(name) and (user := self._read(name)) is not None)

    def get(self, name: str) -> User:
        """Raises SettingsError when there is no such user."""
        name = checked(name)
        with self.naming():
            user = self._read(name)
        if user is None:
            names = ", ".join(each.name for each in self.listed())
            there = f"there is {names}" if names else "there is nobody yet"
            raise SettingsError(f"No user is called {name}; {there}. To add one: voicemode connect user add {name}")
        return user

    def called(self, name: str) -> User | None:
        """Whoever has that name, or else is the only one to be shown by it."""
        everybody = self.listed()
        shown = [user for user in everybody if user.display_name == name]
        return next((user for user in everybody if user.name == name), shown[0] if len(shown) == 1 else None)

    def add(
        self, name: str, display_name: str = "", *, host: str = "", platform: str = "", there_ok: bool = False
    ) -> User:
        """Also in the place of a broken file.  Raises SettingsError when there is such a user already, unless that is
        as good: it stays as it is then."""
        name, when = checked(name), now()
        directory = self.directory / name
        with self.alone():
            there = self._read(name)
            if there is not None and not there.fault and there_ok:
                return there
            if there is not None and not there.fault:
                raise SettingsError(f"There is a user {name} already, shown as {there.display_name}.")
            make_private(directory)
            self._write(
                name,
                {
                    "name": name,
                    "display_name": one_line(display_name) or name,
                    "created": when,
                    "last_seen": when,
                    "host": one_line(host),
                    "platform": one_line(platform),
                },
            )
        return self.get(name)

    def remove(self, name: str, *, with_messages: bool = False) -> Path | None:
        """Returns where messages are kept, if there are any left.

        Raises SettingsError when there is no such user, and VoiceError while a process subscribes for them.
        """
        name = self.get(name).name
        directory = self.directory / name
        with self.alone():
            holder = live.recorded_in(directory)
            if holder is not None:
                if live.is_alive(directory, holder):
                    raise VoiceError(f"{name} was not removed: {name} can be woken by {holder}. End that first.")
                live.clear(directory, holder)
            (directory / META).unlink(missing_ok=True)
            if with_messages:
                shutil.rmtree(directory)
            with suppress(OSError):
                directory.rmdir()
            return directory / INBOX if (directory / INBOX).exists() else None

    def seen(self, name: str, *, platform: str = "") -> None:
        """Write down that ``name`` was there just now, as an agent of ``platform`` if that is known; to be called
        alone.  A broken file stays as it is."""
        given = _json(self.directory / name / META)
        if given is not None:
            known = {"platform": one_line(platform)} if platform else {}
            self._write(name, {**given, "last_seen": now(), **known})

    @contextmanager
    def alone(self) -> Generator[None]:
        """Nobody else changes users meanwhile.  Blocks for two seconds at most.  Raises VoiceError."""
        if sys.platform == "win32":
            raise VoiceError("Windows has no locks with which several processes could share who can be reached.")
        with self.naming():
            make_private(self.directory)
            with alone_with(self.directory.parent / "users.lock", "which is locked while users are changed"):
                yield

    @contextmanager
    def naming(self) -> Generator[None]:
        """Turns OSError into VoiceError."""
        try:
            yield
        except OSError as error:
            raise VoiceError(
                f"The users in {self.directory} cannot be read or changed: {error.strerror or error}. See who owns "
                "that directory, or choose another with VOICEMODE_BASE_DIR."
            ) from error

    def _write(self, name: str, given: Json) -> None:
        write(self.directory / name / META, json.dumps(given, indent=2, ensure_ascii=False) + "\n", private=True)

    def _read(self, name: str) -> User | None:
        """None where there is no file.  A name in it does not count: the directory has it."""
        path = self.directory / name / META
        try:
            given = _json(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return User(name=name, display_name=name, fault=f"{path} cannot be read: {error.strerror or error}.")
        if given is None:
            fault = f"{path} is no JSON object; voicemode connect user add {name} writes it anew."
            return User(name=name, display_name=name, fault=fault)
        texts = {key: one_line(value) for key in _TEXTS if isinstance(value := given.get(key), str)}
        return User(**{**texts, "name": name, "display_name": texts.get("display_name") or name})


def one_line(text: str) -> str:
    """What is shown of a text from outside: one line, without what could steer a terminal, and not too long."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 10 * LONGEST_LINE])
    return " ".join(plain.split())[:LONGEST_LINE].strip()


def _json(path: Path) -> Json | None:
    """None for what is no JSON object.  Raises OSError."""
    with path.open("rb") as file:
        content = file.read(live.LONGEST)
    try:
        return msgspec.json.decode(content, type=Json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_name(name: str) -> bool:
    try:
        return checked(name) == name
    except SettingsError:
        return False


def make_private(directory: Path) -> None:
    """With those above it, as far as they are not there yet.  One that others could read is closed to them."""
    if not directory.parent.exists():
        make_private(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "geteuid") and directory.stat().st_mode & 0o077:
        directory.chmod(0o700)


def now() -> str:
    """In ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
