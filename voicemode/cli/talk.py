"""``voicemode talk``: talk with an agent at the terminal until somebody has had enough."""

from __future__ import annotations

import signal
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

import click
import trio
from attrs import evolve

from actors.machines.barge_in import Manners

from ..config import Configuration
from ..settings import Echo
from ..text import speakable
from . import options
from .defaults import configured
from .reread import Rereading
from .signals import Stopped, exit_code_of
from .talk_agent import AgentChoice, agent_options, one_utf8


@click.command()
@agent_options
@options.together(
    click.option("--greeting", metavar="TEXT", callback=one_utf8, help="What the assistant says first."),
    options.mic,
    options.speaker,
    options.device_care,
    options.voice,
    options.speed,
    options.tts,
    options.stt,
    options.phrase,
    options.duration,
    options.listen_min,
    options.no_speech,
    options.policy,
    options.save_audio,
    options.base_dir,
    options.control,
    click.option(
        "--json", "as_json", is_flag=True, help="Lines of JSON on stdout: what was said, turns, losses, errors."
    ),
)
def talk(
    llm_url: str | None,
    llm_model: str | None,
    system: str | None,
    agent_command: str | None,
    agent_path: str | None,
    greeting: str | None,
    mic: str,
    speaker: str,
    echo: Echo,
    noise_suppression: bool,
    gain_control: bool,
    chimes: bool | None,
    device_wait: float,
    voice: str | None,
    speed: float | None,
    tts: str,
    stt: str,
    phrases: tuple[str, ...],
    duration: float,
    listen_min: float,
    no_speech: float,
    manners: Manners,
    save_audio: bool,
    base_dir: Path,
    control: bool,
    as_json: bool,
) -> int:
    """Talk with an agent: speak, listen, and interrupt it whenever you like.

    At a terminal m mutes you, p pauses the assistant and lets it go on, the arrows left and right (or , and .) go a
    sentence back and on, enter ends your turn, space or i interrupts the assistant, r reads the settings again, q
    quits.  So does Ctrl-C, with exit code 130.
    """
    from .talk_lines import Lines
    from .talk_screen import Screen
    from .talking import Talk

    base = configured()
    choice = AgentChoice(
        url=llm_url, model=llm_model, system=system, command=agent_command, path=agent_path, keys=base.keys
    )
    choice.check()
    settings = evolve(
        base,
        microphone=mic,
        speaker=speaker,
        tts=tts,
        stt=stt,
        voice=voice,
        speed=speed,
        phrases=phrases,
        turn=evolve(
            base.turn,
            no_speech=no_speech,
            least=listen_min,
            longest=duration,
            device_wait=device_wait,
            barge_in=evolve(base.turn.barge_in, manners=manners),
        ),
        base_dir=base_dir,
        save_audio=save_audio,
        control=control,
        echo=echo,
        noise_suppression=noise_suppression,
        gain_control=gain_control,
        chimes=chimes,
    )
    view = Lines(sys.stdout) if as_json else Screen()
    context = click.get_current_context()
    configuration = context.find_object(Configuration)
    reread = None if configuration is None else Rereading(context, configuration)
    held = Talk(choice, settings, speakable(greeting) if greeting else None, view, reread)
    code = 0
    # the talk heeds it; afterwards a second Ctrl-C is not to meet the interpreter on its way out
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # an agent may print, and with --json stdout is for the lines alone
        with redirect_stdout(sys.stderr) if as_json else nullcontext():
            received = trio.run(held.hold)
        code = 0 if received is None else exit_code_of(received)
    except Stopped as stop:
        code = stop.exit_code
    finally:
        if not held.tally.empty:
            view.close(held.tally.summary())
        if not code:
            signal.signal(signal.SIGINT, before)
    return code
