"""The sound that goes with an export.  In: exchanges, and the file they are exported to.  Out: copies beside that file,
and exchanges that name them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from ..audio.file_errors import explaining
from ..audio.store import make_private
from .exchange import Exchange


def folder_for(output: Path) -> Path:
    """Where the sound of ``output`` is."""
    return output.with_name(f"{output.stem}_audio")


def taken_along(exchanges: Iterable[Exchange], output: Path) -> tuple[list[Exchange], int]:
    """Each names its copy from where ``output`` is, or nothing where its recording is gone; and how many are gone.

    Blocks.  Raises AudioFileError when they cannot be written.
    """
    folder, taken, gone = folder_for(output), list[Exchange](), 0
    names: dict[str, Path] = {}
    for exchange in exchanges:
        source = None if exchange.audio_file is None else Path(exchange.audio_file)
        if source is None or not source.is_file():
            gone += source is not None
            taken.append(replace(exchange, audio_file=None))
            continue
        name = source.name if names.setdefault(source.name, source) == source else f"{len(taken)}_{source.name}"
        with explaining(folder, "written"):
            make_private(folder)
            copy = folder / name
            shutil.copyfile(source, copy)
            copy.chmod(0o600)
        taken.append(replace(exchange, audio_file=f"{folder.name}/{name}"))
    return taken, gone
