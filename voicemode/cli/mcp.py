"""``voicemode mcp``: the tools and resources that agents reach the voice by, over standard input and output."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click
import trio

from actors.errors import SettingsError

from ..config import Configuration
from .defaults import survey_here
from .signals import exit_code_of

if TYPE_CHECKING:
    from ..mcp.arguments import MetricsLevel


@click.command()
@click.option(
    "--call-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=50.0,
    show_default=True,
    metavar="SECONDS",
    help="After so long a call answers, though the user is still listened to; clients give up after 60 s.",
)
@click.option("--tools-enabled", metavar="NAME,NAME", help="Offer these tools and no others.")
@click.option("--tools-disabled", metavar="NAME,NAME", help="Do not offer these tools.")
@click.option(
    "--metrics-level",
    type=click.Choice(["minimal", "summary", "verbose"]),
    default="summary",
    show_default=True,
    help="How many timings an answer has.",
)
@click.option("--session-id", metavar="NAME", help="Whose turn it is among agents that share the voice.")
@click.option("--skip-tts/--no-skip-tts", default=False, help="Speak nothing, only listen.")
def mcp(
    call_limit: float,
    tools_enabled: str | None,
    tools_disabled: str | None,
    metrics_level: MetricsLevel,
    session_id: str | None,
    skip_tts: bool,
) -> int:
    """Serve an agent over MCP, on standard input and output: claude mcp add voicemode -- voicemode mcp.

    It ends with its input, or with a signal.  Without a command voicemode does the same when its input is a pipe.
    """
    with _uncollected():
        try:
            from ..mcp.lean import load_server

            serve = load_server()
            from ..mcp.terms import Terms
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
                raise
            raise SettingsError("MCP needs the extra mcp: pip install 'voicemode[mcp]'.") from error
    configuration = click.get_current_context().find_object(Configuration) or survey_here()
    terms = Terms(
        call_limit=call_limit,
        enabled=_names(tools_enabled),
        disabled=_names(tools_disabled),
        metrics_level=metrics_level,
        session=session_id or None,
        skip_tts=skip_tts,
    )
    received = trio.run(partial(serve, configuration, terms))
    return 0 if received is None else exit_code_of(received)


@contextmanager
def _uncollected() -> Generator[None]:
    """The classes of the SDK's messages are many and stay; to go through them for garbage is a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
