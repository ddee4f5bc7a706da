"""Shows the user a page.  In: its address.  Out: whether a browser was found for it."""

from __future__ import annotations

import webbrowser

import trio

PATIENCE = 10.0
"""Seconds for a browser to start; one in the terminal goes on for as long as it is used, and has started too."""

_browsing = trio.CapacityLimiter(1)


async def show(url: str) -> bool:
    with trio.move_on_after(PATIENCE):
        return await trio.to_thread.run_sync(_open, url, abandon_on_cancel=True, limiter=_browsing)
    return True


def _open(url: str) -> bool:
    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
