"""Reads a script: the path of a TOML file in, everything it needs at hand out, or the line and what is wrong there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
from attrs import frozen

from actors.errors import AudioFileError, ScriptError, SettingsError
from actors.ports import Agent

from ..agents.imported import AgentMissing, find_agent
from ..audio.files import Sound, read_audio
from ..settings import Settings
from .complaints import Complaint, complaint_of
from .locate import Place, line_of
from .model import ScriptFile
from .rules import broken_rules
from .settings import settings_for

_AT_LINE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@frozen(kw_only=True)
class Script:
    """A script that can be run.  ``recordings`` has the audio file of each step that names one."""

    path: Path
    file: ScriptFile
    agent: Agent | None
    recordings: tuple[Sound | None, ...]

    @property
    def title(self) -> str:
        return self.file.title or self.path.stem


def load_script(path: Path) -> Script:
    """Read ``path`` and all it names: the agent is imported, the audio files are decoded.

    Relative audio files and the agent's module are looked for in the script's own directory.  Blocks.  Raises
    ScriptError, with the line when one is to blame.
    """
    text = _read(path)
    try:
        file = msgspec.convert(_parse(path, text), ScriptFile)
    except msgspec.ValidationError as error:
        raise _script_error(path, text, complaint_of(error)) from error
    for complaint in broken_rules(file):
        raise _script_error(path, text, complaint)
    try:
        settings_for(file, Settings())
    except SettingsError as error:
        raise _script_error(path, text, Complaint(("listening", "hangover"), str(error))) from error
    recordings: list[Sound | None] = []
    for index, step in enumerate(file.step):
        try:
            recordings.append(None if step.user_audio is None else read_audio(path.parent / step.user_audio, None))
        except AudioFileError as error:
            raise _script_error(path, text, Complaint(("step", index, "user_audio"), str(error))) from error
    try:
        agent = None if file.agent is None else find_agent(file.agent, path.parent.resolve())
    except AgentMissing as error:
        raise _script_error(path, text, Complaint(("agent",), str(error))) from error
    return Script(path=path, file=file, agent=agent, recordings=tuple(recordings))


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ScriptError(path, None, "There is no such script; check the path.") from error
    except IsADirectoryError as error:
        raise ScriptError(path, None, "This is a directory; name a script in it.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a possible file name"
        raise ScriptError(path, None, f"The script cannot be read: {reason}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScriptError(path, line, "The script is not UTF-8 text; save it as UTF-8.") from error


def _parse(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else len(text.splitlines()) or 1
        where = f" (column {found[2]})" if found and found[2] else " at the end of the file"
        raise ScriptError(path, line, f"This is not TOML: {_AT_LINE.sub('', str(error))}{where}.") from error
    except RecursionError as error:
        raise ScriptError(path, None, "This is not a script: its lists are nested too deeply.") from error
    except ValueError as error:
        raise ScriptError(path, None, f"This is not a script: {error}.") from error


def _script_error(path: Path, text: str, complaint: Complaint) -> ScriptError:
    return ScriptError(path, line_of(text, complaint.place), _in_step(complaint.place) + complaint.reason)


def _in_step(place: Place) -> str:
    return f"Step {place[1] + 1}: " if len(place) > 1 and isinstance(place[1], int) and place[0] == "step" else ""
