"""``voicemode serve-speech``: the embedded engines offered to other programs until a signal comes."""

from __future__ import annotations

import click
import trio

from actors.errors import VoiceError

from . import options
from .output import flush, printable, write_json, write_line
from .signals import exit_code_of, heeding_signals


@click.command("serve-speech")
@click.option(
    "--host",
    cls=options.OnlyIfNamed,
    callback=options.utf8,
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen: a name or an address of this machine, 0.0.0.0 for all.  Beyond this machine, anybody on the "
    "network can use it.",
)
@click.option(
    "--port",
    cls=options.OnlyIfNamed,
    type=click.IntRange(0, 65_535),
    default=8881,
    show_default=True,
    help="The TCP port to listen on; 0 takes any that is free and prints which.",
)
@options.as_json
def serve_speech(host: str, port: int, as_json: bool) -> int:
    """Offer the built-in voice and recogniser to other programs, as OpenAI's speech API.

    Prints the address for their clients when it is ready, and ends at Ctrl-C or SIGTERM.
    """
    return trio.run(_serve, host, port, as_json)


async def _serve(host: str, port: int, as_json: bool) -> int:
    try:
        from ..serve.app import SpeechService
        from ..serve.engines import Engines
        from ..serve.hosts import is_loopback
        from ..serve.server import Server, open_listeners, url_of
    except ModuleNotFoundError as error:
        raise VoiceError(
            f"serve-speech needs the package {error.name}. Install it with: pip install 'voicemode[serve]'."
        ) from error

    async with heeding_signals() as signals:
        engines = await Engines.load()
        listeners = await open_listeners(host, port)
        local_only = all(is_loopback(listener.socket.getsockname()[0]) for listener in listeners)
        server = Server(SpeechService(engines, local_only=local_only))
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run, listeners)
            signals.stop = server.stop
            url = f"{url_of(listeners[0])}/v1"
            for reason in engines.missing:
                click.echo(f"voicemode: {printable(reason)}", err=True)
            if as_json:
                write_json({"url": url, "models": engines.models})
            else:
                write_line(f"Speech for other programs at {url} ({', '.join(engines.models)}); Ctrl-C ends it.")
            flush()
    return exit_code_of(signals.received) if signals.received is not None else 0
