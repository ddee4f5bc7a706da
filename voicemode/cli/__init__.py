"""The command line: arguments in, a conversation on the way, readable words or one JSON object on stdout out.

General layout: one file a command; ``options`` holds what they share, ``defaults`` what is configured, ``turn`` runs a
conversation for one turn, ``display`` shows it while it happens, ``output`` writes results, ``signals`` heeds Ctrl-C.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import click

from actors.errors import SettingsError, VoiceError

from .conch import conch
from .config import config
from .control import control
from .converse import converse
from .defaults import defaults_of, name_settings, read_here
from .devices import devices
from .listen import listen
from .output import flush, give_up_stdout, write_error
from .providers import providers
from .say import say
from .script import script
from .serve_speech import serve_speech
from .signals import Stopped
from .talk import talk
from .transcribe import transcribe

FAILED, BAD_USAGE = 1, 2


@click.group(invoke_without_command=True)
@click.version_option(package_name="voicemode", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Talk with your computer: it speaks, listens, and lets you interrupt it.

    Exit codes: 0 done, 1 failed, 2 bad usage, 3 nobody spoke, 130 or 143 stopped by a signal.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
    elif context.invoked_subcommand != config.name:
        configuration = read_here()
        configuration.warn()
        command = commands.commands[context.invoked_subcommand]
        context.obj = configuration
        context.default_map = {context.invoked_subcommand: defaults_of(command, configuration)}


for command in (talk, converse, say, listen, transcribe, devices, providers, control, conch, script, serve_speech):
    commands.add_command(name_settings(command))
commands.add_command(config)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command that ``args`` (those of the process, when None) name and return the exit code."""
    logging.basicConfig(format="voicemode: %(message)s", level=logging.WARNING)
    args = list(sys.argv[1:] if args is None else args)
    as_json = "--json" in args[: args.index("--") if "--" in args else None]
    try:
        code: object = commands.main(args, prog_name="voicemode", standalone_mode=False)
        flush()
    except click.UsageError as error:
        hint = f" Try '{error.ctx.command_path} --help'." if error.ctx is not None else ""
        write_error(f"{error.format_message().rstrip('. ')}.{hint}", "UsageError", as_json=as_json)
        return BAD_USAGE
    except click.Abort:
        return _stopped(Stopped.by_interrupt(), as_json)
    except Stopped as stop:
        return _stopped(stop, as_json)
    except VoiceError as error:
        write_error(str(error), type(error).__name__, error.recording, as_json=as_json)
        return BAD_USAGE if isinstance(error, SettingsError) else FAILED
    except BrokenPipeError:
        give_up_stdout()
        return FAILED
    return code if isinstance(code, int) else 0


def _stopped(stop: Stopped, as_json: bool) -> int:
    write_error(str(stop), type(stop).__name__, as_json=as_json)
    return stop.exit_code
