"""``voicemode connect``: agents that can be reached from a person's devices."""

from __future__ import annotations

import click

from .connect_user import user


@click.group(invoke_without_command=True)
@click.pass_context
def connect(context: click.Context) -> None:
    """Let your agents be reached from your phone or browser, by way of a gateway."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


connect.add_command(user)
