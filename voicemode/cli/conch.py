"""``voicemode conch``: who has the voice that several agents share, and who gets it next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
import trio

from .defaults import configured
from .options import as_json, utf8
from .output import printable, write_json, write_line

if TYPE_CHECKING:
    from ..floor import Floor

of_session = click.argument("session", callback=utf8)


@click.group(invoke_without_command=True)
@click.pass_context
def conch(context: click.Context) -> None:
    """Show and change which agent has the voice, and who is next.

    Agents with the same VOICEMODE_BASE_DIR share it.  SESSION is as status shows it.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@conch.command()
@as_json
def status(as_json: bool) -> None:
    """Who speaks or holds the voice, and who waits, in order."""
    from ..floor import report_of
    from ..floor.words import lines_of

    state = trio.run(_floor().status)
    if as_json:
        write_json(report_of(state))
        return
    for line in lines_of(state, time.time()):
        write_line(printable(line))


@conch.command()
@of_session
def give(session: str) -> None:
    """Let SESSION be next, before all that wait.

    Who speaks ends first; who only holds the voice loses it.
    """
    from ..floor.floor import GRANT

    if not trio.run(_floor().give, session):
        write_line(
            f"{printable(session)} does not wait at the moment and has {GRANT:g} s to come once nobody speaks; until "
            "then nobody else gets the voice, unless voicemode conch release takes it back"
        )


@conch.command()
@of_session
def bump(session: str) -> None:
    """Move SESSION to the head of the queue."""
    trio.run(_floor().bump, session)


@conch.command()
def release() -> None:
    """Let the next one speak although the voice is held or was given to somebody.

    Nobody who speaks is cut off.
    """
    if not trio.run(_floor().release):
        write_line("nobody holds the voice")


def _floor() -> Floor:
    from ..floor import Floor, Participant

    return Floor.of(configured(), Participant(session_id="voicemode conch"))
