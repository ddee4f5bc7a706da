"""What a connection to a device somewhere else raises when it ends, as the loss of the device."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import trio

from actors.errors import DeviceLost

GONE = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.EndOfChannel)
"""What connections, channels and files raise when they are not there any longer."""


@contextmanager
def reaching(name: str) -> Generator[None]:
    """Raises DeviceLost for any of ``GONE``."""
    try:
        yield
    except GONE as error:
        why = f": {error}" if str(error) else ""
        raise DeviceLost(f"The connection to the {name} has ended{why}. Connect it again.") from error
