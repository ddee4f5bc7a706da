"""The server's imports go by here: packages that are big for what we use of them in, that part of them out.

The front door of the SDK, ``import mcp``, brings a client, a sign-in and its cryptography; that of httpx brings a
highlighter for a terminal: 14 MB and a tenth of a second of a process that serves one client by a pipe.  For a
process of our own only: whoever imports these packages afterwards gets them without their front doors.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import TypeAlias

BARE = ("mcp", "mcp.server")
"""Packages of which only the submodules are wanted."""

UNWANTED = "httpx._main"
"""httpx does without its own command line when that cannot be imported."""


Serve: TypeAlias = Callable[..., Awaitable[int | None]]


def load_server() -> Serve:
    """``voicemode.mcp.server.serve``.  An SDK that needs its front door gets it.  Raises ImportError."""
    sys.modules.setdefault(UNWANTED, None)  # type: ignore[arg-type]  # the import system's word for "not there"
    try:
        for name in BARE:
            sys.modules.setdefault(name, _bare(find_spec(name)))
        return _serve()
    except (ImportError, AttributeError):
        _forget()
        return _serve()


def _serve() -> Serve:
    from .server import serve

    return serve


def _bare(spec: ModuleSpec | None) -> ModuleType:
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("there is no such package")
    package = ModuleType(spec.name)
    package.__spec__, package.__path__ = spec, list(spec.submodule_search_locations)
    return package


def _forget() -> None:
    """What was imported half, or by way of that, must not be found again."""
    gone = tuple(f"{name}." for name in (*BARE, __package__))
    for name in list(sys.modules):
        if name in BARE or name.startswith(gone):
            del sys.modules[name]
