"""Devices that are lost in the middle of a conversation: what is done to the sound server in; how soon it is noticed,
how soon all is well again, and what became of the words out."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import trio
from attrs import define, evolve, field, frozen
from numpy.typing import NDArray
from report import Budget, Figure, figure
from stand_ins import LISTENING_RATE

from actors.errors import DeviceError
from actors.events import UtteranceRecorded
from actors.messages import (
    MicrophoneFailed,
    MicrophoneOpened,
    SpeakerFailed,
    SpeakerOpened,
    SpeakingStarted,
    SpeechActivity,
    SpeechStarted,
)
from actors.ports import SpeechModel, TextToSpeech
from actors.results import TurnResult
from tests.desk import Desk, at_desk, human_voice, mouth
from tests.virtual_audio import MICROPHONE, MICROPHONE_INPUT, SPEAKER, VirtualAudio
from voicemode.audio.files import read_audio
from voicemode.audio.store import DirectoryStore

STORY = "It stood in a shed behind the mill, and nobody knew what it was for. That was not until spring."
"""Five seconds, and a pause in which nothing is lost by accident."""

BEFORE, AWAY = 0.9, 1.0
"""Seconds until a device is lost, and until what it hung on is back."""

UNNOTICED = 1.5
"""Seconds after which a loss that nobody spoke of was not noticed."""

TURN = 30.0
"""Seconds after which a turn hangs."""

Samples = NDArray[np.int16]
Act = Callable[[VirtualAudio], object]


@frozen(kw_only=True)
class Loss:
    """What happens to the server: how the device is lost, and how it comes back, if it is not there all along.

    ``before`` prepares the server, ``name`` is the device's in the URI.  The sink ``goes_on_at`` is where PulseAudio
    moves the stream, or a microphone's input, so that there is nothing to notice.  Whoever records a sink that ``dies``
    has to begin anew.
    """

    what: str
    lose: Act
    back: Act | None = None
    before: Act | None = None
    name: str | None = None
    goes_on_at: str | None = None
    dies: bool = False


def _spares(audio: VirtualAudio) -> None:
    """Another speaker and another microphone."""
    options = f"sink_name=spare rate={audio.speaker_rate} channels=1 channel_map=mono norewinds=1"
    audio.pactl("load-module", "module-null-sink", *options.split())
    options = f"sink_name=spare_in rate={audio.rate} channels=1 channel_map=mono norewinds=1"
    audio.pactl("load-module", "module-null-sink", *options.split())
    audio.pactl("load-module", "module-remap-source", "master=spare_in.monitor", "source_name=spare_mic")


def _leave_speaker_to_spare(audio: VirtualAudio) -> None:
    audio.pactl("set-default-sink", "spare")
    audio.unload(SPEAKER)


def _leave_microphone_to_spare(audio: VirtualAudio) -> None:
    audio.pactl("set-default-source", "spare_mic")
    audio.unload(MICROPHONE)


KILLED = Loss(what="server killed, started again", lose=VirtualAudio.kill, back=VirtualAudio.start, dies=True)
STALLED = Loss(what="server stalled, resumed", lose=VirtualAudio.stall, back=VirtualAudio.resume)
NONE_LEFT = Loss(what="unplugged, no other, plugged in", lose=VirtualAudio.unplug, back=VirtualAudio.plug_in, dies=True)
SPEAKER_LOSSES = (
    KILLED,
    STALLED,
    Loss(
        what="sink suspended, resumed",
        lose=lambda audio: audio.suspend(SPEAKER),
        back=lambda audio: audio.suspend(SPEAKER, False),
    ),
    NONE_LEFT,
    evolve(NONE_LEFT, what="named in the URI, unplugged, plugged in", name=SPEAKER),
    Loss(what="unplugged, another there", before=_spares, lose=_leave_speaker_to_spare, goes_on_at="spare"),
    Loss(
        what="another made the default",
        before=_spares,
        lose=lambda audio: audio.pactl("set-default-sink", "spare"),
        goes_on_at="spare",
    ),
)
MICROPHONE_LOSSES = (
    KILLED,
    STALLED,
    Loss(
        what="source suspended, resumed",
        lose=lambda audio: audio.suspend(MICROPHONE),
        back=lambda audio: audio.suspend(MICROPHONE, False),
    ),
    NONE_LEFT,
    evolve(NONE_LEFT, what="named in the URI, unplugged, plugged in", name=MICROPHONE),
    Loss(what="unplugged, another there", before=_spares, lose=_leave_microphone_to_spare, goes_on_at="spare_in"),
)


@define
class Incident:
    """Milliseconds; None where there was nothing of the kind.

    ``seam``: what the listener heard twice of the speech, or did not hear when it is negative.
    """

    noticed: float | None = None
    back: float | None = None
    seam: float | None = None
    notes: list[str] = field(factory=list[str])


@asynccontextmanager
async def server(tts: TextToSpeech, loss: Loss) -> AsyncGenerator[VirtualAudio]:
    with VirtualAudio(LISTENING_RATE, tts.rate) as audio:
        if loss.before is not None:
            loss.before(audio)
        if loss.name is not None:
            audio.show(loss.name)
        with audio.in_process():
            yield audio
            await trio.lowlevel.checkpoint()


async def lost_while_speaking(tts: TextToSpeech, vad: SpeechModel, loss: Loss) -> Incident:
    found, results = Incident(), list[TurnResult]()

    async def say(desk: Desk) -> None:
        results.append(await desk.conversation.say(STORY))

    async with server(tts, loss) as audio:
        async with AsyncExitStack() as stack:
            recordings = [await stack.enter_async_context(audio.record())]
            if loss.goes_on_at is not None:
                recordings.append(await stack.enter_async_context(audio.record(of=loss.goes_on_at)))
            pieces = list[Samples]()
            desk = await stack.enter_async_context(at_desk(audio, tts, vad=vad, speaker=loss.name))
            with trio.fail_after(TURN):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(say, desk)
                    started = await desk.log.first(SpeakingStarted)
                    await trio.sleep_until(started.at + BEFORE)
                    lost = trio.current_time()
                    await trio.to_thread.run_sync(loss.lose, audio)
                    if loss.goes_on_at is not None:
                        # what records a sink that has gone is moved as well
                        pieces.append(recordings.pop(0).samples())
                    failed = None
                    with trio.move_on_after(UNNOTICED):
                        failed = await desk.log.first(SpeakerFailed, lost)
                    if failed is not None:
                        found.noticed = 1000 * (failed.at - lost)
                    if loss.back is not None:
                        await trio.sleep_until(lost + AWAY)
                        await trio.to_thread.run_sync(loss.back, audio)
                        returned = trio.current_time()
                        if loss.dies:
                            recordings.append(await stack.enter_async_context(audio.record()))
                        if failed is not None:
                            opened = await desk.log.first(SpeakerOpened, failed.at)
                            found.back = 1000 * (opened.at - returned)
            await trio.sleep(0.2)
        pieces += [recording.samples() for recording in recordings]
        found.seam = seam_of(desk.voice.samples, pieces, tts.rate, found)
    judge_result(results[0], "speaker", loss, found)
    if not (results[0].spoken.complete and results[0].spoken.heard == STORY):
        found.notes.append(f"heard is {results[0].spoken.heard!r}")
    return found


def judge_result(result: TurnResult, device: str, loss: Loss, found: Incident) -> None:
    losses = [each for each in result.losses if each.device == device]
    if loss.goes_on_at and (found.noticed is not None or losses):
        found.notes.append(f"PulseAudio moves the stream, and yet: {losses}")
    if not loss.goes_on_at and (len(losses) != 1 or losses[0].seconds is None):
        found.notes.append(f"the result says {losses}")


def seam_of(made: Samples, recordings: Sequence[Samples], rate: int, found: Incident) -> float | None:
    """The speech in one recording after another; each continues the one before, or a little earlier or later."""
    heard = np.concatenate([samples[samples != 0] for samples in recordings])
    sounding = made[made != 0]
    size = min(len(heard), len(sounding))
    different = np.flatnonzero(heard[:size] != sounding[:size])
    if not len(different) and len(heard) == len(sounding):
        return 0.0
    suffix = np.flatnonzero(heard[::-1][:size] != sounding[::-1][:size])
    head = int(different[0]) if len(different) else size
    tail = int(suffix[0]) if len(suffix) else size
    foreign = len(heard) - head - tail
    # the last milliseconds before a loss may have been cut or faded anywhere: neither head nor tail
    if foreign > 0.1 * rate:
        found.notes.append(f"{1000 * foreign / rate:.0f} ms are not in the speech")
        return None
    return 1000 * (len(heard) - len(sounding)) / rate


async def lost_while_listening(tts: TextToSpeech, vad: SpeechModel, loss: Loss) -> Incident:
    """The microphone is lost before the user speaks; afterwards they do."""
    found, results, clip = Incident(), list[TurnResult](), human_voice()

    async def listen(desk: Desk) -> None:
        results.append(await desk.conversation.listen())

    async with server(tts, loss) as audio, at_desk(audio, tts, vad=vad, microphone=loss.name) as desk:
        with trio.fail_after(TURN):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen, desk)
                await desk.log.first(MicrophoneOpened)
                await trio.sleep(BEFORE / 2)
                lost = trio.current_time()
                await trio.to_thread.run_sync(loss.lose, audio)
                failed = None
                with trio.move_on_after(UNNOTICED):
                    failed = await desk.log.first(MicrophoneFailed, lost)
                if failed is not None:
                    found.noticed = 1000 * (failed.at - lost)
                if loss.back is not None:
                    await trio.sleep_until(lost + AWAY)
                    await trio.to_thread.run_sync(loss.back, audio)
                    returned = trio.current_time()
                    if failed is not None:
                        # of a microphone that is open nothing may have come yet
                        heard = await desk.log.first(SpeechActivity, returned)
                        found.back = 1000 * (heard.at - returned)
                await audio.say(clip, into=loss.goes_on_at or MICROPHONE_INPUT)
    judge_result(results[0], "microphone", loss, found)
    if results[0].outcome != "heard":
        found.notes.append(f"the outcome is {results[0].outcome}")
    else:
        heard = np.frombuffer((await desk.log.first(UtteranceRecorded)).utterance.pcm, "<i2").astype(np.int16)
        if not np.array_equal(np.trim_zeros(heard), clip):
            found.notes.append("what was said afterwards is not what was captured")
    return found


@define
class Cut:
    """``kept`` of what the user had said when the microphone was lost, ``missing`` of it; milliseconds.  ``ended`` is
    how long after the loss the result was there."""

    missing: float
    ended: float
    notes: list[str] = field(factory=list[str])


async def lost_while_the_user_speaks(tts: TextToSpeech, vad: SpeechModel, loss: Loss) -> Cut:
    clip, results, notes = human_voice(), list[TurnResult](), list[str]()
    ended = 0.0
    with tempfile.TemporaryDirectory() as directory:
        store = DirectoryStore(Path(directory), keep=True)
        async with server(tts, loss) as audio, at_desk(audio, tts, vad=vad, store=store) as desk:

            async def listen() -> None:
                nonlocal ended
                results.append(await desk.conversation.listen())
                ended = trio.current_time()

            with trio.fail_after(TURN):
                async with trio.open_nursery() as nursery, mouth(audio) as user:
                    nursery.start_soon(listen)
                    await desk.log.first(MicrophoneOpened)
                    await trio.sleep(0.2)
                    await user.say(clip.tobytes())
                    started = await desk.log.first(SpeechStarted)
                    await trio.sleep_until(started.at + BEFORE)
                    lost = trio.current_time()
                    await trio.to_thread.run_sync(loss.lose, audio)
                    await desk.log.first(MicrophoneFailed)
                    if loss is STALLED:
                        audio.resume()
        result = results[0]
        utterance = (await desk.log.first(UtteranceRecorded)).utterance
        if result.utterance is None or read_audio(result.utterance, LISTENING_RATE).pcm != utterance.pcm:
            notes.append("the recording that was kept is another")
    heard = np.frombuffer(utterance.pcm, "<i2").astype(np.int16)
    first = int(np.flatnonzero(heard)[0])
    heard = np.trim_zeros(heard)
    if not np.array_equal(heard, clip[: len(heard)]):
        notes.append("what was heard is not what was said")
    if (result.outcome, result.transcript) != ("heard", "yes"):
        notes.append(f"the outcome is {result.outcome}")
    said = lost - (utterance.start + first / LISTENING_RATE)
    return Cut(1000 * (said - len(heard) / LISTENING_RATE), 1000 * (ended - lost), notes)


async def closed_while_stalled(tts: TextToSpeech, vad: SpeechModel, noticed: bool) -> float:
    """Milliseconds until the conversation is closed, by somebody who gave up in the middle of the speech."""
    async with server(tts, STALLED) as audio:
        with trio.fail_after(TURN):
            async with trio.open_nursery() as nursery, at_desk(audio, tts, vad=vad) as desk:
                nursery.start_soon(desk.conversation.converse, STORY)
                await desk.log.first(SpeakingStarted)
                await trio.sleep(0.3)
                audio.stall()
                if noticed:
                    await desk.log.first(SpeakerFailed)
                nursery.cancel_scope.cancel("nobody waits any longer")
                begun = trio.current_time()
        took = 1000 * (trio.current_time() - begun)
        audio.resume()
    return took


async def absent_at_the_start(tts: TextToSpeech, vad: SpeechModel) -> tuple[float, float, str]:
    """Milliseconds until it is said that there is no sound server, until a conversation is open once there is, and
    what is said."""
    said = ""
    async with server(tts, KILLED) as audio:
        audio.kill()
        begun = trio.current_time()
        try:
            async with at_desk(audio, tts, vad=vad):
                pass
        except DeviceError as error:
            said = str(error)
        refused = 1000 * (trio.current_time() - begun)
        await trio.to_thread.run_sync(audio.start)
        begun = trio.current_time()
        async with at_desk(audio, tts, vad=vad) as desk:
            opened = 1000 * (trio.current_time() - begun)
            await desk.conversation.say("Yes.")
    return refused, opened, said


async def incidents(tts: TextToSpeech, vad: SpeechModel, *, smoke: bool) -> tuple[list[Figure], tuple[str, ...]]:
    times, figures, notes = 1 if smoke else 3, list[Figure](), list[str]()
    for device, lose, losses in (
        ("speaking", lost_while_speaking, SPEAKER_LOSSES),
        ("listening", lost_while_listening, MICROPHONE_LOSSES),
    ):
        for loss in () if smoke else losses:
            found = [await lose(tts, vad, loss) for _ in range(times)]
            figures += figures_of(f"{device}, {loss.what}", found)
            notes += [f"{device}, {loss.what}: {note}." for each in found for note in each.notes]
    for loss in (KILLED,) if smoke else (KILLED, STALLED):
        cuts = [await lost_while_the_user_speaks(tts, vad, loss) for _ in range(times)]
        what = f"the user speaks, {loss.what}"
        notes += [f"{what}: {note}." for each in cuts for note in each.notes]
        figures += [
            figure(f"{what}: of what was said not kept", "ms", [each.missing for each in cuts]),
            figure("  until the result was there", "ms", [each.ended for each in cuts]),
        ]
    for noticed in () if smoke else (False, True):
        took = [await closed_while_stalled(tts, vad, noticed) for _ in range(times)]
        when = "after" if noticed else "before"
        figures.append(figure(f"server stalled, closed {when} it is noticed", "ms", took, Budget(at_most=1_500)))
    absent = [await absent_at_the_start(tts, vad) for _ in range(times)]
    figures += [
        figure("no server at the start: said after", "ms", [each[0] for each in absent], Budget(at_most=500)),
        figure("  once it is there: conversation open after", "ms", [each[1] for each in absent]),
    ]
    notes.append(f"Without a server it is said: {absent[0][2]}")
    return figures, tuple(notes)


def figures_of(what: str, found: Sequence[Incident]) -> list[Figure]:
    noticed = [each.noticed for each in found if each.noticed is not None]
    back = [each.back for each in found if each.back is not None]
    seams = [each.seam for each in found if each.seam is not None]
    figures = list[Figure]()
    if noticed:
        figures.append(figure(f"{what}: noticed after", "ms", noticed))
    if back:
        figures.append(figure(f"{'  ' if noticed else what + ': '}there again after its return", "ms", back))
    if seams:
        figures.append(figure(f"{'  ' if noticed else what + ': '}speech heard twice (or lost, -)", "ms", seams))
    return figures
