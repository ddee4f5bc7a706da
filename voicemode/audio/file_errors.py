"""Turns what the operating system says about a file into one sentence for a person."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from actors.errors import AudioFileError

Deed: TypeAlias = Literal["read", "written", "moved", "removed"]


@contextmanager
def explaining(path: Path, doing: Deed) -> Generator[None]:
    """Raise AudioFileError in place of an OSError met while ``path`` is read or written."""
    if "\0" in str(path):
        raise AudioFileError(f"{str(path)!r} cannot be {doing}: it is not a possible file name.")
    try:
        yield
    except OSError as error:
        raise AudioFileError(_sentence(path, doing, error)) from error


def _sentence(path: Path, doing: Deed, error: OSError) -> str:
    if isinstance(error, IsADirectoryError):
        return f"{path} is a directory; name an audio file in it."
    if isinstance(error, NotADirectoryError | FileExistsError):
        return f"{path} cannot be {doing}: there is a file where a directory should be."
    if isinstance(error, PermissionError):
        return f"{path} cannot be {doing}: permission denied. Change its permissions or name another file."
    if isinstance(error, FileNotFoundError) and doing == "read":
        return f"There is no audio file {path}; check the path."
    if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        return f"{path} cannot be written: there is no directory {path.parent}. Create it first."
    return f"{path} cannot be {doing}: {error.strerror or error}."
