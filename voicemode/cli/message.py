"""``voicemode message``: texts into agents' inboxes."""

from __future__ import annotations

import click

from . import options
from .defaults import configured
from .output import write_json


@click.group(invoke_without_command=True)
@click.pass_context
def message(context: click.Context) -> None:
    """Write to agents on this machine."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@message.command()
@click.argument("text", nargs=-1, required=True, callback=options.all_utf8)
@click.option("--team", callback=options.utf8, metavar="NAME", help="A team of Claude Code.")
@click.option(
    "--to",
    "recipient",
    callback=options.utf8,
    metavar="NAME",
    help="An agent of that team; by default its lead, team-lead.",
)
@click.option("--user", callback=options.utf8, metavar="NAME", help="A user of voicemode connect, and its live team.")
@click.option(
    "--from",
    "sender",
    callback=options.utf8,
    default="voicemode",
    show_default=True,
    metavar="NAME",
    help="Who writes.",
)
@click.option("--summary", callback=options.utf8, metavar="TEXT", help="Shown in one line; by default how TEXT begins.")
@options.as_json
def send(
    text: tuple[str, ...],
    team: str | None,
    recipient: str | None,
    user: str | None,
    sender: str,
    summary: str | None,
    as_json: bool,
) -> None:
    """Put TEXT into the inbox of an agent, which wakes it.

    Name either a team or a user.  TEXT may be - to read it from standard input.  When the command ends with 0 the
    message is on disk.
    """
    from ..connect.messaging import deliver_message, deliver_to_user
    from ..connect.recipients import TEAM_LEAD

    if (team is None) == (user is None):
        raise click.UsageError("Say to whom, with --team NAME or with --user NAME.")
    if user is not None and recipient is not None:
        raise click.UsageError("--to names an agent of a team and goes with --team; a user is one already.")
    content = options.text_of(text)
    if team is not None:
        deliver_message(team, content, recipient or TEAM_LEAD, sender, summary)
    elif user is not None:
        deliver_to_user(configured().base_dir, user, content, sender, summary)
    if as_json:
        write_json({"delivered": True})
