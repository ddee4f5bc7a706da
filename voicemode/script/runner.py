"""Runs a script: a script in, a conversation with real engines in real time, a report of how it went out."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio

from actors.errors import SettingsError, VoiceError
from actors.events import Event
from actors.ports import SpeechModel, SpeechToText, TextToSpeech, UtteranceStore
from actors.results import TurnResult

from ..agents.imported import guarded
from ..audio.files import Sound
from ..audio.virtual_speaker import VirtualSpeaker
from ..conversation import Conversation
from ..groups import unwrapped
from ..session import open_conversation
from ..settings import Settings, names_of
from ..speech.registry import load_text_to_speech, release
from .clips import user_clips
from .expectations import checks_of
from .load import Script
from .model import DELAY, Step
from .recording import Tape, check_writable
from .report import Happening, ScriptReport, StepReport, StepStarted, latencies_of
from .settings import settings_for
from .user import Line, ScriptedMicrophone

BREATH = 0.3
"""Seconds of silence after the user has spoken before the next step may begin."""


async def run_script(
    script: Script,
    *,
    settings: Settings | None = None,
    record: Path | None = None,
    on_event: Callable[[Happening], None] | None = None,
    halt: trio.CancelScope | None = None,
    tts: TextToSpeech | None = None,
    user_tts: TextToSpeech | None = None,
    stt: SpeechToText | None = None,
    vad: SpeechModel | None = None,
    store: UtteranceStore | None = None,
) -> ScriptReport:
    """Hold the conversation that ``script`` describes, up to its end or to the first error.

    ``settings`` are used where the script says nothing; ``record`` is the WAV file to write; ``on_event`` is called
    with everything as it happens; cancelling ``halt`` ends the conversation, and what there was of it is reported and
    recorded.  Engines and the store are taken from the settings unless given.  What a step fails
    with is in its report; before the first step AudioFileError is raised when ``record`` cannot be written,
    SettingsError, AudioFileError or ProviderError when engines or the user's voice cannot be had.
    """
    if record is not None:
        check_writable(record)
        _check_not_heard(script, record)
    settings = settings_for(script.file, settings or Settings())
    loaded = list[TextToSpeech]()

    async def load(name: str) -> TextToSpeech:
        loaded.append(await load_text_to_speech(name))
        return loaded[-1]

    try:
        if tts is None:
            if settings.tts is None:
                raise SettingsError("A script needs a speech engine, and the settings do without one; name one in it.")
            tts = await load(names_of(settings.tts)[0])
        engine = script.file.user.engine
        if user_tts is None:
            user_tts = tts if engine is None or engine == settings.tts else await load(engine)
        clips = await user_clips(script, user_tts)
        return await _run_script(script, settings, clips, record, on_event, halt, tts, stt, vad, store)
    finally:
        for each in loaded:
            await release(each)


async def _run_script(
    script: Script,
    settings: Settings,
    clips: tuple[Sound | None, ...],
    record: Path | None,
    on_event: Callable[[Happening], None] | None,
    halt: trio.CancelScope | None,
    tts: TextToSpeech,
    stt: SpeechToText | None,
    vad: SpeechModel | None,
    store: UtteranceStore | None,
) -> ScriptReport:
    telling, told = trio.open_memory_channel[Happening](math.inf)
    tape = Tape(tts.rate)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_deliver, told, on_event)
            with telling:
                run = _Run(script, clips, telling)
                async with open_conversation(
                    settings,
                    microphone=run.microphone,
                    speaker=VirtualSpeaker(tape.add),
                    tts=tts,
                    stt=stt,
                    vad=vad,
                    store=store,
                ) as conversation:
                    with halt or trio.CancelScope():
                        await run.take_steps(conversation)
    recording = await trio.to_thread.run_sync(
        partial(tape.recording, run.microphone.placed, began=run.began, ended=run.ended)
    )
    if record is not None:
        await trio.to_thread.run_sync(recording.write, record)
    not_run = len(script.file.step) - len(run.steps)
    return ScriptReport(
        title=script.title,
        path=script.path,
        ok=not not_run and all(step.ok for step in run.steps),
        seconds=round(run.ended - run.began, 3),
        steps=tuple(run.steps),
        not_run=not_run,
        latencies=latencies_of(step.result for step in run.steps if step.result is not None),
        recorded=record,
        recording=recording,
        events=tuple(run.events),
    )


def _check_not_heard(script: Script, record: Path) -> None:
    for step in script.file.step:
        if step.user_audio is not None and (script.path.parent / step.user_audio).resolve() == record.resolve():
            raise SettingsError(
                f"The recording would be written over {record}, which the user says; name another file."
            )


async def _deliver(
    happenings: trio.MemoryReceiveChannel[Happening], on_event: Callable[[Happening], None] | None
) -> None:
    """Call ``on_event`` from a task of its own, so that what it raises ends the script and not an actor.

    The channel stays open, because whoever tells it something must not be hurt by that error either.
    """
    async for happening in happenings:
        if on_event is not None:
            on_event(happening)


class _Run:
    """The conversation while it is held, and what is known of it so far."""

    def __init__(
        self, script: Script, clips: tuple[Sound | None, ...], telling: trio.MemorySendChannel[Happening]
    ) -> None:
        self._script, self._clips, self._telling = script, clips, telling
        self._agent = None if script.agent is None else guarded(script.agent, script.file.agent or "")
        self.microphone = ScriptedMicrophone(self._note)
        self.steps: list[StepReport] = []
        self.events: list[Event] = []
        self.began = self.ended = 0.0

    async def take_steps(self, conversation: Conversation) -> None:
        """One after the other; the one that raises is the last."""
        self.began = self.ended = trio.current_time()
        try:
            await self._take_all(conversation)
        finally:
            self.ended = trio.current_time()

    async def _take_all(self, conversation: Conversation) -> None:
        for number, (step, clip) in enumerate(zip(self._script.file.step, self._clips, strict=True), start=1):
            report = await self._take(conversation, number, step, clip)
            self.steps.append(report)
            self._telling.send_nowait(report)
            if report.error is not None:
                break

    async def _take(self, conversation: Conversation, number: int, step: Step, clip: Sound | None) -> StepReport:
        user = step.user or step.user_audio
        self._telling.send_nowait(StepStarted(at=trio.current_time(), number=number, user=user))
        self.microphone.prepare(None if clip is None else _line(step, clip))
        result, failed = None, None
        try:
            result = await self._turn(conversation, step)
        except VoiceError as failure:
            failed = failure
        said_at = self.microphone.said_at
        self.microphone.prepare(None)
        if said_at is not None and clip is not None:
            if failed is None:
                await trio.sleep_until(said_at + clip.seconds + BREATH)
            elif said_at > trio.current_time():
                said_at = None
        checks = () if result is None else checks_of(step.expect, result)
        return StepReport(
            number=number,
            user=user,
            said_at=None if said_at is None else round(said_at - self.began, 6),
            said_seconds=None if clip is None else round(clip.seconds, 6),
            result=result,
            error=None if failed is None else str(failed),
            checks=checks,
            ok=failed is None and all(check.held for check in checks),
            spoken=None if failed is None else failed.spoken,
            interrupted=None if failed is None or failed.spoken is None else failed.interrupted,
        )

    async def _turn(self, conversation: Conversation, step: Step) -> TurnResult:
        speech = self._agent if step.agent else step.assistant
        if speech is None:
            return await conversation.listen(phrases=step.phrases)
        if step.listen:
            return await conversation.converse(speech, phrases=step.phrases)
        return await conversation.say(speech)

    def _note(self, event: Event) -> None:
        self.events.append(event)
        self._telling.send_nowait(event)


def _line(step: Step, clip: Sound) -> Line:
    if step.when == "after":
        return Line(sound=clip, seconds=DELAY if step.delay is None else step.delay, over_assistant=False)
    return Line(sound=clip, seconds=step.when, over_assistant=True)
