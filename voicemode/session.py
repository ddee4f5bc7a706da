"""The running system: devices and engines in, a conversation out, and one nursery that holds all of it.

                    ┌─ ring ─▶ detect_speech ──────┐
microphone ─▶ capture_audio                        ├─▶ inbox ─▶ converse, one per turn, in the caller's task
      ▲             └─ ring ─▶ record_utterances ──┤               │  │
      │                              ▲             │               │  └▶ read_words ▶ stream_speech ▶ play_speech
     gate ◀──────────────────────────┼─────────────┼─── orders ────┘                                       │
                                                   │                                                       ▼
                                speaker ◀─ keep_speaker ─ the device, while there is one ───────────────▶ outlet

services here and elsewhere ─▶ providers.keep, with watch_providers ─▶ board ─▶ who is asked to hear and to speak
every event ─▶ keep_exchanges ─▶ what was said, on disk, where the user asked for it
every event, every call of agent and engine ─▶ observer ─▶ spans and figures, where the user asked for them
"""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

import trio

from actors.capture import capture_audio
from actors.errors import SettingsError
from actors.expectation import Expectation
from actors.gate import Gate
from actors.growing import Recordings
from actors.messages import AudioFrame
from actors.orders import Input, RecorderOrder
from actors.outlet import Outlet
from actors.ports import (
    Cued,
    Microphone,
    Monitored,
    Speaker,
    SpeechModel,
    SpeechToText,
    TextToSpeech,
    TurnModel,
    UtteranceStore,
)
from actors.recent import Recent
from actors.recorder import record_utterances
from actors.request import Outside
from actors.ring import Ring
from actors.speaker import keep_speaker
from actors.transport import Transport
from actors.vad import detect_speech

from .audio.against_echo import Heed, against_echo
from .audio.chimes import chimes
from .audio.level import level_of
from .audio.store import DirectoryStore
from .audio.uri import microphone_from, refuse_overwriting, speaker_from
from .conversation import Conversation
from .door import refuse_misfits
from .groups import unwrapped
from .settings import Settings
from .speech.registry import load_speech_model, load_turn_model
from .watchers import Watchers

if TYPE_CHECKING:
    from .speech.providers import Providers
    from .telemetry.observer import Observer

RATE = 16_000
"""Of all that is listened to, in Hz: what the voice model and the recognisers work at."""

DEFAULT_DEVICE = "portaudio:"
"""What is opened where the settings name none and one is needed."""

FRAMES = 500
"""Frames a listener may be behind the microphone, 5 s of sound or more; then it loses the oldest, which is counted."""

REPORTS = 256
"""Reports that may wait for the dialogue: 8 s of voice activity while no turn is running."""

ORDERS = 64
"""Orders that may wait for the recorder: far more than a turn gives."""


@asynccontextmanager
async def open_conversation(
    settings: Settings | None = None,
    *,
    microphone: Microphone | None = None,
    speaker: Speaker | None = None,
    tts: TextToSpeech | None = None,
    stt: SpeechToText | None = None,
    vad: SpeechModel | None = None,
    turn_model: TurnModel | None = None,
    store: UtteranceStore | None = None,
) -> AsyncGenerator[Conversation]:
    """Open the devices, load the engines and be ready to talk; leaving the context closes everything.

    What is passed by keyword is used instead of what the settings name.  Raises SettingsError, AudioFileError,
    DeviceError or ProviderUnavailable when something of it cannot be had, and TypeError for what is no such device or
    engine.
    """
    settings = settings or Settings()
    refuse_misfits(
        microphone=microphone, speaker=speaker, tts=tts, stt=stt, vad=vad, turn_model=turn_model, store=store
    )
    if settings.text and any(part is not None for part in (microphone, speaker, tts, stt, vad, turn_model)):
        raise SettingsError("A conversation in text uses no device and no engine; leave out those it was given.")
    async with AsyncExitStack() as stack:
        stack.enter_context(unwrapped())
        loading = _Loading(settings, stack, microphone, speaker, tts, stt, vad, turn_model)
        if settings.microphone and settings.speaker and microphone is None and speaker is None:
            refuse_overwriting(settings.microphone, settings.speaker)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(loading.load_microphone)
            nursery.start_soon(loading.load_speaker)
            nursery.start_soon(loading.load_providers)
            nursery.start_soon(loading.load_vad)
            nursery.start_soon(loading.load_turn_model)
        _settle_memory()
        store = store or DirectoryStore(settings.base_dir, keep=settings.save_audio)
        microphone, speaker = loading.microphone, loading.speaker
        heed: Heed | None = None
        if microphone is not None:
            microphone, heed = await against_echo(
                microphone,
                speaker,
                echo=settings.echo,
                noise_suppression=settings.noise_suppression,
                gain_control=settings.gain_control,
            )
        outlet = Outlet(RATE if loading.tts is None else loading.tts.rate)
        devices: tuple[object, ...] = (microphone, speaker)
        watchers = Watchers(device for device in devices if isinstance(device, Cued))
        recent = Recent(settings.history)
        names: list[str] = []
        if settings.save_transcriptions or settings.save_audio or settings.event_log:
            # most conversations are not kept, and its messages cost time to load
            from .exchanges.keeping import keeping

            about = None if loading.providers is None else loading.providers.about
            await stack.enter_async_context(
                keeping(settings, watchers.watch(), rate=outlet.rate, recent=recent, about=about, named=names.append)
            )
        for_vad, for_recorder = Ring[AudioFrame](FRAMES), Ring[AudioFrame](FRAMES)
        observer: Observer | None = None
        if settings.telemetry != "none":
            # nobody who does without it loads it
            from .telemetry.lost import Lost
            from .telemetry.observing import observing

            engines, lost = loading.providers, Lost(for_vad, for_recorder, loading.microphone, outlet)
            observer = await stack.enter_async_context(
                observing(settings, names=names, about=None if engines is None else engines.about, dropped=lost)
            )
            watchers.add(observer)
            if engines is not None:
                engines.board.follow = observer.follow
        stack.callback(watchers.close)
        reports, inbox = trio.open_memory_channel[Input](REPORTS)
        orders, ordered = trio.open_memory_channel[RecorderOrder](ORDERS)
        gate, expectation, recordings = Gate(), Expectation(), Recordings()
        outside = Outside(
            gate=gate,
            playback=None if speaker is None else outlet,
            tts=loading.tts if observer is None or loading.tts is None else observer.voice(loading.tts),
            stt=loading.stt,
            store=store,
            publish=watchers.publish,
            expectation=expectation,
            recordings=recordings,
            transport=Transport(),
            recent=recent,
            judge=loading.turn_model,
            chimes={} if speaker is None else chimes(outlet.rate),
            shown=settings.text,
        )
        nursery = await stack.enter_async_context(trio.open_nursery())
        stack.callback(nursery.cancel_scope.cancel, "the conversation is over")
        if loading.providers is not None:
            nursery.start_soon(partial(loading.providers.keep, publish=watchers.publish))
        if speaker is not None:
            await nursery.start(partial(keep_speaker, speaker, outlet, reports.clone(), publish=watchers.publish))
        if microphone is not None and loading.vad is not None:
            nursery.start_soon(
                partial(
                    record_utterances,
                    for_recorder,
                    ordered,
                    reports.clone(),
                    store=store,
                    recordings=recordings,
                    rate=RATE,
                )
            )
            nursery.start_soon(
                partial(
                    detect_speech,
                    for_vad,
                    reports.clone(),
                    model=loading.vad,
                    level_of=level_of,
                    policy=settings.endpoint,
                    heed=heed,
                    expectation=expectation,
                )
            )
            nursery.start_soon(
                partial(
                    capture_audio,
                    gate,
                    (for_vad, for_recorder),
                    reports.clone(),
                    microphone=microphone,
                    rate=RATE,
                    publish=watchers.publish,
                )
            )
        conversation = Conversation(
            settings,
            inbox=inbox,
            reports=reports,
            orders=orders,
            outside=outside,
            watchers=watchers,
            engines=loading.providers,
            chiming=isinstance(speaker, Monitored),
            names=names,
            observed=None if observer is None else observer.agent,
        )
        if settings.control:
            # most conversations are not controlled, and its messages cost time to load
            from .control.server import keep_control

            await nursery.start(
                partial(
                    keep_control,
                    conversation,
                    path=settings.control_socket,
                    longest_pause=settings.longest_pause,
                    after_pause=settings.after_pause,
                )
            )
        yield conversation


@cache
def _settle_memory() -> None:
    """Once a process, when the models are loaded: a full collection of all they brought would stall the voice later."""
    gc.collect()
    gc.freeze()


class _Loading:
    """Devices and engines while they are looked for, side by side, because each may take half a second."""

    def __init__(
        self,
        settings: Settings,
        stack: AsyncExitStack,
        microphone: Microphone | None,
        speaker: Speaker | None,
        tts: TextToSpeech | None,
        stt: SpeechToText | None,
        vad: SpeechModel | None,
        turn_model: TurnModel | None,
    ) -> None:
        self.settings, self.stack = settings, stack
        self.providers: Providers | None = None
        self.microphone, self.speaker, self.vad = microphone, speaker, vad
        self.tts: TextToSpeech | None = tts
        self.stt: SpeechToText | None = stt
        self.turn_model: TurnModel | None = turn_model
        self.listens = not settings.text and (stt is not None or settings.stt is not None)
        self.speaks = not settings.text and (tts is not None or settings.tts is not None)
        self.plays = self.speaks or (not settings.text and settings.speaker is not None)

    async def load_microphone(self) -> None:
        if self.microphone is None and self.listens:
            self.microphone = await microphone_from(self.settings.microphone or DEFAULT_DEVICE)

    async def load_speaker(self) -> None:
        if self.speaker is None and self.plays:
            self.speaker = await speaker_from(self.settings.speaker or DEFAULT_DEVICE)

    async def load_providers(self) -> None:
        listens, speaks = self.stt is None and self.listens, self.tts is None and self.speaks
        if not (listens or speaks):
            return
        # what speaks HTTP is loaded for those alone who may need it
        from .speech.providers import Providers

        self.providers = await Providers.open(self.settings, listens=listens, speaks=speaks)
        self.stack.push_async_callback(self.providers.aclose)
        self.stt = self.stt or self.providers.stt
        self.tts = self.tts or self.providers.tts

    async def load_vad(self) -> None:
        if self.vad is None and self.listens:
            self.vad = await load_speech_model(self.settings.vad)

    async def load_turn_model(self) -> None:
        if self.turn_model is None and self.listens:
            self.turn_model = await load_turn_model(self.settings.turn_model)
