"""``voicemode gateway``: a gateway of one's own, between one's devices and agents, until a signal comes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import trio
from attrs import frozen

from actors.errors import SettingsError, VoiceError

from . import options
from .defaults import configured
from .output import flush, write_json, write_line
from .signals import exit_code_of, heeding_signals

if TYPE_CHECKING:
    from ..gateway.broker import Broker
    from ..gateway.issuer import IssuerTokens
    from ..gateway.tokens import TokenVerifier

REDIS = "VOICEMODE_GATEWAY_REDIS"

ACCOUNT = "local"
"""Whose the token is that is made for one start."""


@frozen(kw_only=True)
class Wanted:
    host: str
    port: int
    tokens: Path | None
    issuer: str | None
    audience: str | None
    new_token: bool
    queue: Path | None
    origins: tuple[str, ...]
    connections: int
    as_json: bool


def _file(_: click.Context, __: click.Parameter, value: Path | None) -> Path | None:
    return None if value is None else value.expanduser()


@click.command()
@click.option(
    "--host",
    callback=options.utf8,
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen: a name or an address of this machine, 0.0.0.0 for all.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8790,
    show_default=True,
    help="The TCP port to listen on; 0 takes any that is free and prints which.",
)
@click.option(
    "--tokens",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_file,
    metavar="FILE",
    help="Believe the tokens in FILE, each in a line with its account and perhaps a name behind it.",
)
@click.option(
    "--issuer",
    callback=options.utf8,
    metavar="URL",
    help="Believe the tokens of this OpenID provider; the account is their subject.",
)
@click.option("--audience", callback=options.utf8, metavar="TEXT", help="What the issuer's tokens have to be for.")
@click.option("--new-token", is_flag=True, help="Make a token that is good until this ends, and print it.")
@click.option(
    "--queue",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_file,
    metavar="FILE",
    help="Keep messages for agents that are not there in FILE, until they are.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    callback=options.all_utf8,
    metavar="URL",
    help="Let this web page connect and no other; give it once for each.",
)
@click.option(
    "--connections",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="How many connections there may be.",
)
@options.as_json
def gateway(
    host: str,
    port: int,
    tokens: Path | None,
    issuer: str | None,
    audience: str | None,
    new_token: bool,
    queue: Path | None,
    origins: tuple[str, ...],
    connections: int,
    as_json: bool,
) -> int:
    """Run a gateway of your own, between your devices and your agents.

    Prints its address, and what a client is to be told, when it is ready; ends at Ctrl-C or SIGTERM.  It speaks plain
    HTTP: beyond this machine, put a server with a certificate before it.
    """
    wanted = Wanted(
        host=host,
        port=port,
        tokens=tokens,
        issuer=issuer,
        audience=audience,
        new_token=new_token,
        queue=queue,
        origins=origins,
        connections=connections,
        as_json=as_json,
    )
    return trio.run(_run, wanted)


async def _run(wanted: Wanted) -> int:
    try:
        from ..gateway.app import PATH, make_app
        from ..gateway.collecting import collect_seldom
        from ..gateway.hub import Hub
        from ..gateway.limits import Limits
        from ..gateway.queue import MessageQueue
        from ..gateway.serving import serve
        from ..gateway.tokens import new_token
        from ..serve.server import open_listeners
    except ModuleNotFoundError as error:
        raise VoiceError(
            f"The gateway needs the package {error.name}. Install it with: pip install 'voicemode[gateway]'."
        ) from error

    token = new_token() if wanted.new_token else None
    verifier, issuer = _verifier(wanted, token)
    _check_origins(wanted.origins)
    async with heeding_signals() as signals:
        if issuer is not None:
            await _reach(issuer)
        queue = None if wanted.queue is None else await trio.to_thread.run_sync(MessageQueue.open, wanted.queue)
        try:
            listeners = await open_listeners(wanted.host, wanted.port)
            hub = Hub(Limits(connections=wanted.connections), queue=queue, broker=_broker())
            stop = trio.Event()
            app = make_app(hub, verifier, origins=wanted.origins)
            async with trio.open_nursery() as nursery:
                await nursery.start(hub.run)
                async with trio.open_nursery() as serving:
                    await serving.start(partial(serve, app, listeners, hub.limits, stop=stop, drain=hub.drain))
                    signals.stop = stop.set
                    collect_seldom()
                    _print(_address(listeners[0], PATH), token, as_json=wanted.as_json)
                nursery.cancel_scope.cancel("nobody is connected any more")
        finally:
            if queue is not None:
                queue.close()
    return exit_code_of(signals.received) if signals.received is not None else 0


def _verifier(wanted: Wanted, token: str | None) -> tuple[TokenVerifier, IssuerTokens | None]:
    """Raises SettingsError where nobody would be asked who they are."""
    from ..gateway.issuer import IssuerTokens
    from ..gateway.tokens import FirstOf, StaticTokens

    verifiers: list[TokenVerifier] = []
    issuer: IssuerTokens | None = None
    if token is not None:
        verifiers.append(StaticTokens.one(token, ACCOUNT))
    if wanted.tokens is not None:
        verifiers.append(StaticTokens.read(wanted.tokens))
    if wanted.issuer:
        if not wanted.audience:
            raise SettingsError(
                f"Tokens of {wanted.issuer} may be for anything: say with --audience what those for this gateway are "
                "for, as it was registered there."
            )
        issuer = IssuerTokens(wanted.issuer, wanted.audience)
        verifiers.append(issuer)
    if not verifiers:
        raise SettingsError(
            "A gateway has to know whose connections it takes. Start it with --new-token for one that is printed, "
            "--tokens FILE for those in a file, or --issuer URL --audience TEXT for those of an OpenID provider."
        )
    if wanted.tokens is None and issuer is None:
        _only_here(wanted.host)
    return FirstOf(verifiers), issuer


def _check_origins(origins: tuple[str, ...]) -> None:
    """Browsers say where a page comes from as a scheme and a host, and perhaps a port."""
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
            raise SettingsError(
                f"{origin} is not where a web page comes from: that is a scheme and a host, as https://voice.example.org."
            )


def _broker() -> Broker | None:
    """What joins this gateway with others, if there are any.  Raises VoiceError without the extra."""
    if not (url := configured().keys.get(REDIS)):
        return None
    from ..gateway.redis_broker import RedisBroker

    return RedisBroker(url)


def _only_here(host: str) -> None:
    from ..serve.hosts import is_loopback

    if not is_loopback(host):
        raise SettingsError(
            f"Beyond this machine, at {host}, a gateway takes no token that is made for one start: use --tokens FILE, "
            "or --issuer URL --audience TEXT."
        )


async def _reach(issuer: IssuerTokens) -> None:
    """Find out now whether it is there; it may come later."""
    from ..gateway.tokens import CannotVerify

    try:
        await issuer.fetch()
    except CannotVerify as error:
        click.echo(f"voicemode: Tokens cannot be checked yet: {error}. It is tried again when one comes.", err=True)


def _address(listener: trio.SocketListener, path: str) -> str:
    from ..serve.server import url_of

    return url_of(listener).replace("http", "ws", 1) + path


def _print(url: str, token: str | None, *, as_json: bool) -> None:
    if as_json:
        write_json({"url": url} if token is None else {"url": url, "token": token})
    else:
        write_line(f"A gateway at {url}; Ctrl-C ends it.  Its clients are told:")
        write_line("VOICEMODE_CONNECT_ENABLED=true")
        write_line(f"VOICEMODE_CONNECT_WS_URL={url}")
        if token is not None:
            write_line(f"VOICEMODE_CONNECT_TOKEN={token}")
    flush()
