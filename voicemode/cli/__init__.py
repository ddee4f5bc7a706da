"""The command line: arguments in, a conversation on the way, readable words or one JSON object on stdout out.

General layout: one file a command; ``options`` holds what they share, ``defaults`` what is configured, ``turn`` runs a
conversation for one turn, ``display`` shows it while it happens, ``output`` writes results, ``signals`` heeds Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from actors.errors import ProviderError, SettingsError, VoiceError

from .defaults import defaults_of, name_settings, survey_here
from .output import account_of, flush, give_up_stdout, write_error
from .signals import Stopped

FAILED, BAD_USAGE = 1, 2

VOICES = " voicemode providers --json lists those there are."

CONFIG, MCP = "config", "mcp"
COMMANDS = (
    "talk",
    "converse",
    "say",
    "listen",
    "transcribe",
    "devices",
    "providers",
    "control",
    "conch",
    "connect",
    "message",
    "script",
    MCP,
    "exchanges",
    "serve-speech",
    "gateway",
    CONFIG,
)
"""Each is in a file of its name.  What is wrong with the settings, MCP tells its clients itself."""


class Commands(click.Group):
    """Imports a command when it is wanted: one that presses a button needs nothing of audio."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            name = cmd_name.replace("-", "_")
            command: click.Command = getattr(import_module(f".{name}", __name__), name)
            self.add_command(command if cmd_name == CONFIG else name_settings(command))
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(package_name="voicemode", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Talk with your computer: it speaks, listens, and lets you interrupt it.

    Exit codes: 0 done, 1 failed, 2 bad usage, 3 nobody spoke, 130 or 143 stopped by a signal.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
    elif context.invoked_subcommand != CONFIG:
        configuration = survey_here()
        configuration.warn()
        if context.invoked_subcommand != MCP:
            configuration.refuse()
        context.obj = configuration
        if command := commands.get_command(context, context.invoked_subcommand):
            context.default_map = {context.invoked_subcommand: defaults_of(command, configuration)}


def main(args: Sequence[str] | None = None) -> int:
    """Run the command that ``args`` (those of the process, when None) name and return the exit code."""
    logging.basicConfig(format="voicemode: %(message)s", level=logging.WARNING)
    args = list(sys.argv[1:] if args is None else args)
    if not args and _piped():
        args = [MCP]
    as_json = "--json" in args[: args.index("--") if "--" in args else None]
    try:
        code: object = commands.main(args, prog_name="voicemode", standalone_mode=False)
        flush()
    except click.UsageError as error:
        hint = f" Try '{error.ctx.command_path} --help'." if error.ctx is not None else ""
        write_error(f"{error.format_message().rstrip('. ')}.{hint}", "UsageError", as_json=as_json)
        return BAD_USAGE
    except (click.Abort, KeyboardInterrupt):
        return _stopped(Stopped.by_interrupt(), as_json)
    except Stopped as stop:
        return _stopped(stop, as_json)
    except VoiceError as error:
        hint = VOICES if isinstance(error, ProviderError) and error.code == "voice" else ""
        write_error(f"{error}{hint}", type(error).__name__, account_of(error), as_json=as_json)
        return BAD_USAGE if isinstance(error, SettingsError) else FAILED
    except BrokenPipeError:
        give_up_stdout()
        return FAILED
    return code if isinstance(code, int) else 0


def _piped() -> bool:
    """Whether whoever has started us wants to write to us, as clients of MCP do."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _stopped(stop: Stopped, as_json: bool) -> int:
    write_error(str(stop), type(stop).__name__, as_json=as_json)
    return stop.exit_code
