"""``voicemode devices``: what microphones and speakers there are, and whether they work."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click
import trio
from attrs import asdict, evolve, frozen
from click.core import ParameterSource

from actors.errors import DeviceError, SettingsError
from actors.events import Event
from actors.messages import DeviceKind

from . import options
from .output import console, printable, write_json, write_line, writing
from .signals import Stopped, exit_code_of, heeding_signals

if TYPE_CHECKING:
    from rich.table import Table

    from ..audio.device_choice import DeviceInfo
    from ..audio.findings import Findings
    from ..audio.sound_check import SoundCheck

SILENT = 1
WIDE = 200
"""Columns of the table where nobody's terminal limits it."""

KINDS: tuple[DeviceKind, ...] = ("microphone", "speaker")
FOR_TEST = ("uri", "mic", "speaker", "seconds")


@frozen(kw_only=True)
class Choice:
    """The URIs of what is tested."""

    microphone: str
    speaker: str


@click.command()
@click.argument("uri", required=False)
@click.option("--test", is_flag=True, help="Play a tone, listen, and say how both devices do.")
@options.together(options.mic, options.speaker)
@click.option(
    "--seconds",
    type=click.FloatRange(1.5, 60),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to listen.",
)
@options.as_json
@click.pass_context
def devices(
    context: click.Context, uri: str | None, test: bool, mic: str, speaker: str, seconds: float, as_json: bool
) -> int:
    """List microphones and speakers, with the URI to give to --mic and --speaker.

    With --test, try them: the device at URI for all that it can do, otherwise those of --mic and --speaker.  The exit
    code is 1 when there is no device and when the microphone is silent.
    """
    if test:
        return _test(Choice(microphone=mic, speaker=speaker), uri, seconds, as_json=as_json)
    given = [name for name in FOR_TEST if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        name = "URI" if given[0] == "uri" else f"--{given[0]}"
        raise click.UsageError(f"{name} is for a test: add --test.")
    found = trio.run(_listed)
    if not found:
        raise DeviceError(nothing_found(sys.platform))
    if as_json:
        write_json({"devices": [{**asdict(device), "uri": uri_of(device, found)} for device in found]})
    else:
        screen = console()
        if not screen.is_terminal:
            screen.width = WIDE
        with writing():
            screen.print(table(found))
    return 0


async def _listed() -> tuple[DeviceInfo, ...]:
    from ..audio.portaudio_devices import list_devices

    async with heeding_signals():
        return await list_devices()


def nothing_found(platform: str) -> str:
    """What to do about it, on ``platform`` as ``sys.platform`` has it."""
    if platform != "linux":
        return "There is no sound device. Connect a microphone or a headset and try again."
    return (
        "There is no sound device. Without a sound server, install one (apt install pulseaudio libasound2-plugins, or "
        "pipewire-pulse and pipewire-alsa with PipeWire) and start it (pulseaudio --start, or systemctl --user start "
        "pipewire-pulse). In a container or over ssh, let PULSE_SERVER name the desk's server, as in "
        "PULSE_SERVER=unix:/run/user/1000/pulse/native."
    )


def uri_of(device: DeviceInfo, among: Sequence[DeviceInfo]) -> str:
    """By name where that is easily typed and means no other device, for names last; otherwise by index."""
    from ..audio.device_choice import choose

    if re.fullmatch(r"[A-Za-z][\w.-]*", device.name):
        try:
            if all(choose(among, kind, device.name) == device for kind in _roles(device)):
                return f"portaudio:{device.name}"
        except DeviceError:
            pass  # several have that name
    return f"portaudio:{device.index}"


def table(found: Sequence[DeviceInfo]) -> Table:
    """For people; on a terminal as wide as that is."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table("index", "name", "in", "out", "rate", "host", "default", "URI", box=SIMPLE_HEAD, pad_edge=False)
    for column in (0, 2, 3, 4):
        shown.columns[column].justify = "right"
    shown.columns[-1].no_wrap = True
    for device in found:
        defaults = ", ".join(kind for kind in _roles(device) if device.is_default(kind))
        numbers = (str(number) for number in (device.inputs, device.outputs, device.rate))
        uri = uri_of(device, found)
        shown.add_row(str(device.index), printable(device.name), *numbers, printable(device.host), defaults, uri)
    return shown


def _roles(device: DeviceInfo) -> list[DeviceKind]:
    return [kind for kind in KINDS if device.serves(kind)]


def _test(choice: Choice, uri: str | None, seconds: float, *, as_json: bool) -> int:
    from ..audio.findings import sentence

    choice, found, received = trio.run(partial(_checked, choice, uri, seconds, quiet=as_json))
    if found is None:
        if received is not None:
            raise Stopped(received)
        raise DeviceError("The microphone gave no sound, not even silence. Choose another one: see voicemode devices.")
    if as_json:
        write_json({**asdict(choice), **asdict(found), "finding": sentence(found)})
    else:
        write_line(sentence(found))
    if received is not None:
        return exit_code_of(received)
    return SILENT if found.silent else 0


async def _checked(
    choice: Choice, uri: str | None, seconds: float, *, quiet: bool
) -> tuple[Choice, Findings | None, int | None]:
    from ..audio.sound_check import SoundCheck
    from ..audio.uri import microphone_from, refuse_overwriting, speaker_from

    halt = trio.CancelScope()
    telling, events = trio.open_memory_channel[Event](math.inf)
    async with heeding_signals() as signals:
        if uri is not None:
            choice = await instead(choice, uri)
        refuse_overwriting(choice.microphone, choice.speaker)
        check = SoundCheck(
            await microphone_from(choice.microphone),
            await speaker_from(choice.speaker),
            seconds,
            watch=telling.send_nowait,
        )
        signals.stop = halt.cancel
        with halt, telling, events:
            await (check.run() if quiet else _shown(check, telling, events))
    return choice, check.findings, signals.received


async def _shown(
    check: SoundCheck, telling: trio.MemorySendChannel[Event], events: trio.MemoryReceiveChannel[Event]
) -> None:
    from .display import Display

    with Display(console()) as display:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(display.follow, events)
            with telling:
                await check.run()


async def instead(choice: Choice, uri: str) -> Choice:
    """``choice`` with the device at ``uri`` for whatever it can be.  Raises DeviceError when there is none."""
    from ..audio.device_choice import choose
    from ..audio.portaudio_devices import list_devices
    from ..audio.portaudio_microphone import PortAudioMicrophone
    from ..audio.uri import microphone_from

    device = await microphone_from(uri) if uri.lower().startswith("portaudio:") else None
    if not isinstance(device, PortAudioMicrophone):
        raise SettingsError(f"{uri!r} is not a device of the list; what is not goes to --mic or --speaker.")
    found = await list_devices()
    refusals: list[DeviceError] = []
    for kind in KINDS:
        try:
            choose(found, kind, device.device)
        except DeviceError as error:
            refusals.append(error)
        else:
            choice = evolve(choice, **{kind: uri})
    if len(refusals) == len(KINDS):
        raise refusals[0]
    return choice
