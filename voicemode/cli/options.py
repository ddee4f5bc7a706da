"""The options that commands share, each checked where it enters, and the text that is to be said."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import click
from click.core import ParameterSource

from actors.machines.barge_in import Manners

from ..settings import AUTO, Echo
from .output import printable

Command = TypeVar("Command", bound=Callable[..., Any])
Option: TypeAlias = Callable[[Command], Command]

BASE_DIR = Path("~/.voicemode")
CONTROL_SOCKET = BASE_DIR / "control.sock"
HEADPHONES = "voicemode.headphones"


def all_utf8(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """An argument that is not UTF-8 reaches Python as lone surrogates, which nothing further on can take."""
    for value in values:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise click.BadParameter(f"{printable(value)} is not valid UTF-8.") from error
    return values


def utf8(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The same for an option that is given once or not at all."""
    return None if value is None else all_utf8(context, parameter, (value,))[0]


def _seconds(_: click.Context, __: click.Parameter, value: float) -> float:
    if not 0 < value < math.inf:
        raise click.BadParameter(f"{value:g} is not a number of seconds above 0.")
    return value


def _home(_: click.Context, __: click.Parameter, value: Path) -> Path:
    try:
        return value.expanduser()
    except RuntimeError as error:
        raise click.BadParameter(f"there is no home directory for {value}.") from error


def _patience(_: click.Context, __: click.Parameter, value: float) -> float:
    if not 0 <= value < math.inf:
        raise click.BadParameter(f"{value:g} is not a number of seconds from 0.")
    return value


def _longest(context: click.Context, parameter: click.Parameter, value: float) -> float:
    _check_bounds(context.params.get("listen_min"), longest := _seconds(context, parameter, value))
    return longest


def _least(context: click.Context, parameter: click.Parameter, value: float) -> float:
    _check_bounds(least := _patience(context, parameter, value), context.params.get("duration"))
    return least


def _check_bounds(least: float | None, longest: float | None) -> None:
    """Whichever is read first does not know the other."""
    if least is not None and longest is not None and least > longest:
        raise click.UsageError(
            f"--listen-min {least:g} is more than --listen-max {longest:g}: an answer cannot last at least {least:g} s "
            f"and at most {longest:g} s. Make the one shorter or the other longer."
        )


def _device(example: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    def chosen(_: click.Context, param: click.Parameter, value: str | None) -> str | None:
        if value is not None and not value.strip():
            flag = param.opts[0]
            raise click.UsageError(
                f"{flag} is empty: write {flag} portaudio: for the machine's own, {flag} file:PATH (as in {flag} "
                f"{example}) or {flag} null: for none."
            )
        return value

    return chosen


def _echo(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """``--headphones`` is eager, so it has been seen when this is asked."""
    if not context.meta.get(HEADPHONES):
        return value
    if context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE and value != "off":
        raise click.UsageError(f"--headphones is --echo off, and --echo {value} is not: choose one of them.")
    return "off"


def _headphones(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[HEADPHONES] = value


class OnlyIfNamed(click.Option):
    """One that only the command's own line gives, whatever is configured: a device it opens then, another's name."""


_mic = partial(click.option, "--mic", metavar="URI", callback=_device("file:question.wav"))
_speaker = partial(click.option, "--speaker", metavar="URI", callback=_device("file:answer.wav"))

mic = _mic(
    default="portaudio:",
    show_default=True,
    help="What is listened to: portaudio: (the machine's microphone), portaudio:INDEX or portaudio:NAME (see "
    "voicemode devices), file:PATH, file:PATH?start=0|listen|speech+SECONDS, or null: (silence).",
)
speaker = _speaker(
    default="portaudio:",
    show_default=True,
    help="Where it is played: portaudio: (the machine's speaker), portaudio:INDEX or portaudio:NAME (see voicemode "
    "devices), file:PATH (a WAV file) or null: (nowhere, at the pace of a speaker).",
)
mic_to_interrupt = _mic(
    cls=OnlyIfNamed,
    help="Lets the user speak over it, which stops it; what they say is transcribed.  URIs as for converse.",
)
speaker_kept_open = _speaker(
    cls=OnlyIfNamed, help="Is opened for the chimes and kept silent otherwise.  URIs as for converse."
)
echo = click.option(
    "--echo",
    type=click.Choice(get_args(Echo)),
    default="auto",
    show_default=True,
    callback=_echo,
    help="About the assistant's voice in the microphone: cancel takes it out, guard hears only who is louder, off does "
    "nothing, auto cancels where the extra aec (livekit) is installed and guards where it is not.",
)
headphones = click.option(
    "--headphones",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_headphones,
    help="The user wears headphones, so that there is no echo; the same as --echo off.",
)
noise_suppression = click.option(
    "--noise-suppression/--no-noise-suppression",
    default=False,
    show_default=True,
    help="Take steady noise out of the microphone's sound.",
)
gain_control = click.option(
    "--gain-control/--no-gain-control",
    default=False,
    show_default=True,
    help="Make quiet voices louder and loud ones quieter.",
)
chimes = click.option(
    "--chimes/--no-chimes",
    default=None,
    show_default=True,
    help="Play short sounds when listening begins and ends; by itself with a portaudio: speaker.",
)
device_wait = click.option(
    "--device-wait",
    type=float,
    metavar="SECONDS",
    callback=_patience,
    default=10.0,
    show_default=True,
    help="How long a lost device is waited for; 0 fails at once.",
)
voice = click.option(
    "--voice", callback=utf8, show_default=True, metavar="NAME", help="The engine's own name of a voice."
)
speed = click.option(
    "--speed", type=float, show_default=True, metavar="FACTOR", help="From 0.25 to 4; 1 is the voice's usual pace."
)
tts = click.option(
    "--tts",
    callback=utf8,
    default=AUTO,
    show_default=True,
    metavar="ENGINE,…",
    help="What speaks: espeak-ng, kokoro, openai, the URL of a service like OpenAI's, several with commas between "
    "them, or auto, the best there is (see voicemode providers).",
)
stt = click.option(
    "--stt",
    callback=utf8,
    default=AUTO,
    show_default=True,
    metavar="ENGINE,…",
    help="What transcribes: pocketsphinx, whisper, openai, the URL of a service like OpenAI's, several with commas "
    "between them, or auto, the best there is (see voicemode providers).",
)
phrase = click.option(
    "--phrase",
    "phrases",
    callback=all_utf8,
    multiple=True,
    metavar="TEXT",
    help="What the user may say; give it once for each.  An embedded recogniser then answers with one of them.",
)
duration = click.option(
    "-d",
    "--duration",
    "--listen-max",
    "duration",
    type=float,
    metavar="SECONDS",
    callback=_longest,
    default=120.0,
    show_default=True,
    help="The longest answer that is listened to.",
)
no_speech = click.option(
    "--no-speech",
    type=float,
    metavar="SECONDS",
    callback=_seconds,
    default=10.0,
    show_default=True,
    help="How long to wait for a first word.",
)
listen_min = click.option(
    "--listen-min",
    type=float,
    metavar="SECONDS",
    callback=_least,
    default=0.0,
    show_default=True,
    help="How long you are listened to before silence can end your answer.",
)
policy = click.option(
    "--policy",
    "manners",
    type=click.Choice(get_args(Manners)),
    default="pause_and_resume",
    show_default=True,
    help="What the assistant does when you speak over it.",
)
save_audio = click.option(
    "--save-audio/--no-save-audio",
    default=False,
    show_default=True,
    help="Keep recordings that have been transcribed.",
)
base_dir = click.option(
    "--base-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=BASE_DIR,
    show_default=True,
    callback=_home,
    help="Where recordings, logs and the floor that agents share are kept.",
)
control = click.option(
    "--control/--no-control",
    default=False,
    show_default=True,
    help="Let your other programs pause, stop and mute it, see voicemode control.",
)
control_socket = click.option(
    "--socket",
    "socket",
    type=click.Path(path_type=Path),
    default=CONTROL_SOCKET,
    show_default=True,
    callback=_home,
    help="Where the conversation can be controlled.",
)
as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help='One JSON object on stdout and nothing else; a failure is {"error": {"message": ..., "type": ...}}.',
)


def together(*options: Option[Any]) -> Option[Any]:
    """Options as one decorator, in the order they are to be listed in."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


device_care = together(headphones, echo, noise_suppression, gain_control, chimes, device_wait)
"""What every command that talks through a microphone and a speaker takes."""


def text_of(words: tuple[str, ...]) -> str:
    """The arguments as one text; a single ``-`` stands for what is on stdin."""
    if words != ("-",):
        return " ".join(words)
    if sys.stdin is None:
        raise click.UsageError("There is no standard input to read the text from.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"Standard input is not valid UTF-8: byte {error.start + 1} is wrong. Convert it, for example with iconv."
        ) from error
