"""``voicemode connect``: being reached from elsewhere, and who one is there."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio

from ..config import Configuration
from .connect_say import say
from .connect_talk import talk
from .connect_up import up
from .connect_user import user
from .defaults import read_here
from .options import as_json
from .output import printable, write_json, write_line
from .signals import heeding_signals

if TYPE_CHECKING:
    from ..connect.local_protocol import Answer
    from ..connect.login.credentials import Credentials
    from ..connect.login.settings import LoginSettings
    from ..connect.login.signing_in import Person


@click.group(invoke_without_command=True)
@click.pass_context
def connect(context: click.Context) -> None:
    """Be reached by way of a gateway, as the person you are there.

    Nothing connects to anywhere before you say voicemode config set VOICEMODE_CONNECT_ENABLED true.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@connect.command()
@click.option(
    "--no-browser",
    is_flag=True,
    help="Open none: print the address, and take what it leads to from standard input, the code or the whole address.",
)
def login(no_browser: bool) -> None:
    """Sign in, in the browser.

    VOICEMODE_CONNECT_ISSUER says who signs you in, and VOICEMODE_CREDENTIAL_STORE where that is kept.
    """
    trio.run(_signed_in, _settings(), no_browser)


async def _signed_in(settings: LoginSettings, no_browser: bool) -> None:
    from ..connect.login.signing_in import sign_in
    from ..connect.login.store import store_of

    store = store_of(settings)
    async with heeding_signals():
        given = await sign_in(settings, store, _person(no_browser))
    write_line(f"You are signed in{_as(given)}, and it is kept in {printable(store.place)}.")
    if settings.token:
        _tell("VOICEMODE_CONNECT_TOKEN is set, and is what a gateway is shown instead.")


def _person(no_browser: bool) -> Person:
    from ..connect.login import browser
    from ..connect.login.pasted import PastedLines
    from ..connect.login.signing_in import Person

    async def look(url: str) -> None:
        _tell("Your browser opens a page to sign in at.")
        if not await browser.show(url):
            _tell("There is no browser that could be opened. Go to this address, on this machine:")
            click.echo(url, err=True)

    async def read(url: str) -> None:
        click.echo(
            "Go to this address with any browser. If the page that you end at cannot be shown, copy its address, paste "
            "it here and press enter.",
            err=True,
        )
        write_line(url)
        sys.stdout.flush()

    if not no_browser:
        return Person(look, _tell)
    return Person(read, _tell, None if sys.stdin is None else PastedLines(sys.stdin.fileno()))


@connect.command()
def logout() -> None:
    """Sign out: nothing is kept here any more, and the provider is told if it can be."""
    from ..connect.login.signing_out import sign_out
    from ..connect.login.store import store_of

    settings = _settings()
    out = trio.run(sign_out, settings, store_of(settings))
    if out is None:
        write_line("nobody was signed in")
        return
    write_line("You are signed out.")
    if not out.told:
        _tell(
            f"The provider was not told: {out.reason}. What it gave you may be of use to whoever has a copy, for as "
            "long as it lasts."
        )


@connect.command()
@as_json
def status(as_json: bool) -> None:
    """Whether you can be reached, by which gateway, and who you are there.  Nothing is asked of anybody."""
    from ..connect.login.access_token import in_thread
    from ..connect.login.report import lines_of, report_of
    from ..connect.login.store import store_of

    settings = _settings()
    store = store_of(settings)
    known = settings, store.place, trio.run(in_thread, store.load), time.time()
    link = trio.run(_link, settings.base_dir) if settings.enabled else None
    if as_json:
        write_json({**report_of(*known), "link": None if link is None else _told(link)})
        return
    for line in (*lines_of(*known), *(_lines_of(link) if settings.enabled else ())):
        write_line(printable(line))


async def _link(base: Path) -> Answer | None:
    """What the process that holds it says of it; None when there is none."""
    from ..connect.local import NoLink, ask
    from ..connect.local_protocol import Status

    try:
        return await ask(base, Status())
    except NoLink:
        return None


def _told(link: Answer) -> dict[str, object]:
    return {
        "gateway": link.gateway,
        "state": link.state,
        "since": link.since,
        "error": link.trouble,
        "users": link.users,
    }


def _lines_of(link: Answer | None) -> list[str]:
    if link is None:
        return ["nothing holds the link: voicemode connect up"]
    there = f" to {link.gateway}" if link.gateway else ""
    if link.state != "up":
        return [f"the link{there} is {link.state}{f': {link.trouble}' if link.trouble else ''}"]
    return [
        f"the link{there} has been up for {link.since or 0:.0f} s",
        f"reachable: {', '.join(link.users) or 'nobody yet, see voicemode connect user add'}",
    ]


def _settings() -> LoginSettings:
    from ..connect.login import LoginSettings

    configuration = click.get_current_context().find_object(Configuration)
    return LoginSettings.of(read_here() if configuration is None else configuration)


def _as(login: Credentials) -> str:
    return f" as {printable(login.name)}" if login.name else ""


def _tell(sentence: str) -> None:
    click.echo(f"voicemode: {printable(sentence)}", err=True)


for command in (up, say, talk, user):
    connect.add_command(command)
