"""``voicemode connect user``: those who can be written to.  All of it is on this machine; nothing here connects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..config import Configuration
from .defaults import configured, survey_here
from .options import as_json, utf8
from .output import printable, write_json, write_line

if TYPE_CHECKING:
    from ..connect.users import User, Users

of_name = click.argument("name", callback=utf8)


@click.group(invoke_without_command=True)
@click.pass_context
def user(context: click.Context) -> None:
    """Add, show and remove those who can be written to.

    NAME is their address and stays; what wakes them changes, and an agent says it by register_wakeable.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@user.command()
@of_name
@click.option("--name", "shown", callback=utf8, metavar="TEXT", help='What people see, as in --name "Cora 7".')
def add(name: str, shown: str | None) -> None:
    """Add a user."""
    from ..connect.identity import Identity

    configuration = click.get_current_context().find_object(Configuration) or survey_here()
    users = _users()
    added = users.add(name, shown or "", host=Identity.of(configuration).host)
    write_line(f"{_called(added)} can be written to; messages are kept in {printable(users.directory_of(name))}")


@user.command("list")
@as_json
def list_users(as_json: bool) -> None:
    """Everybody, and whether a message wakes them."""
    users = _users()
    everybody = users.listed()
    if as_json:
        write_json({"users": [_described(users, each) for each in everybody]})
        return
    for each in everybody:
        write_line(f"{_called(each)}: {_how(users, each)}")
        _tell_fault(each)
    if not everybody:
        click.echo("There is nobody yet: voicemode connect user add NAME", err=True)


@user.command()
@of_name
@as_json
def show(name: str, as_json: bool) -> None:
    """One user: where messages are kept, and who is woken by them."""
    users = _users()
    found = users.get(name)
    described = _described(users, found)
    if as_json:
        write_json(described)
        return
    for key, value in described.items():
        if value:
            write_line(f"{key.replace('_', ' ')}: {printable(value)}")


@user.command()
@of_name
@click.option("--with-messages", is_flag=True, help="Remove their messages too.")
def remove(name: str, with_messages: bool) -> None:
    """Remove a user; their messages stay unless you say otherwise."""
    kept = _users().remove(name, with_messages=with_messages)
    if kept is not None:
        write_line(f"{printable(name)} is removed; their messages are still in {printable(kept)}")
    else:
        write_line(f"{printable(name)} is removed{', with all messages' if with_messages else ''}")


def _users() -> Users:
    from ..connect.users import Users

    return Users(configured().base_dir)


def _described(users: Users, found: User) -> dict[str, object]:
    from attrs import asdict

    from ..connect.presence import holder_of, presence_of, target_of
    from ..connect.users import INBOX

    holder = holder_of(users, found.name)
    return {
        **asdict(found),
        "presence": presence_of(users, found.name),
        "inbox": str(users.directory_of(found.name) / INBOX),
        "wakes": None if (target := target_of(users, found.name)) is None else str(target),
        "woken_by": None if holder is None else str(holder),
    }


def _how(users: Users, found: User) -> str:
    from ..connect.presence import holder_of, presence_of

    holder = holder_of(users, found.name)
    if holder is None:
        return "nobody is woken by messages, which are kept"
    doing = "woken" if presence_of(users, found.name) == "available" else "not woken, as the team is gone,"
    return f"{doing} by {printable(holder)}"


def _called(found: User) -> str:
    shown = "" if found.display_name == found.name else f" ({printable(found.display_name)})"
    return f"{printable(found.name)}{shown}"


def _tell_fault(found: User) -> None:
    if found.fault:
        click.echo(f"voicemode: {printable(found.fault)}", err=True)
