"""``voicemode connect say``: a text spoken by the user's devices, through the process that holds the link."""

from __future__ import annotations

import click
import trio

from actors.errors import SettingsError

from . import options
from .defaults import configured
from .output import printable, write_json, write_line

WORDS = {"said": "said", "received": "at the device", "queued": "kept for when a device is there"}


@click.command()
@click.argument("text", nargs=-1, callback=options.all_utf8)
@click.option("--voice", callback=options.utf8, metavar="NAME", help="The device's voice of that name.")
@click.option("--speed", type=click.FloatRange(0, 4, min_open=True), help="1 is normal.")
@click.option("--device", callback=options.utf8, metavar="ID", help="Only this device.  [default: all of yours]")
@click.option("--listen", is_flag=True, help="Wait for the answer, and print it.")
@click.option(
    "--patience",
    type=click.FloatRange(0, 600, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the answer is waited for.",
)
@options.as_json
def say(
    text: tuple[str, ...],
    voice: str | None,
    speed: float | None,
    device: str | None,
    listen: bool,
    patience: float,
    as_json: bool,
) -> int:
    """Have your devices say TEXT.  Wants voicemode connect up to run.

    TEXT may be - to read it from standard input.

    Exit codes: 0 done, 1 not said, 3 nobody answered.
    """
    from ..connect.local import ask
    from ..connect.local_protocol import LONGEST_TEXT, Say

    words = options.text_of(text)
    if not words.strip() or len(words) > LONGEST_TEXT:
        raise SettingsError(f"A text for a device has 1 to {LONGEST_TEXT:,} characters, and says something.")
    wanted = Say(text=words, voice=voice, speed=speed, device_id=device, listen=listen, patience=patience)
    answer = trio.run(ask, configured().base_dir, wanted)
    if as_json:
        write_json({"fate": answer.fate, "heard": answer.heard})
    elif answer.heard is not None:
        write_line(printable(answer.heard))
    else:
        write_line(WORDS.get(answer.fate or "", "done") + (", and nobody answered" if listen else ""))
    return 3 if listen and answer.heard is None else 0
