"""``voicemode mcp``: the tools and resources that agents reach the voice by, over standard input and output."""

from __future__ import annotations

from functools import partial

import click
import trio

from actors.errors import SettingsError

from ..config import Configuration
from .defaults import read_here
from .signals import exit_code_of

CALL_LIMIT = 50.0


@click.command()
@click.option(
    "--call-limit",
    type=click.FloatRange(min=1),
    default=CALL_LIMIT,
    show_default=True,
    metavar="SECONDS",
    help="After so long a call answers that the user is still listened to; clients give up after 60 s.",
)
def mcp(call_limit: float) -> int:
    """Serve an agent over MCP: claude mcp add voicemode -- voicemode mcp.

    It ends with its input, or with a signal.
    """
    try:
        from ..mcp.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise SettingsError("MCP needs the extra mcp: pip install 'voicemode[mcp]'.") from error
    configuration = click.get_current_context().find_object(Configuration) or read_here()
    received = trio.run(partial(serve, configuration, call_limit=call_limit))
    return 0 if received is None else exit_code_of(received)
