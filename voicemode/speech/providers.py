"""All engines of a conversation.  In: settings, and what runs on this machine.  Out: a recogniser and a voice, each of
which may be several that stand in for one another, and the board on which these are seen.

Nothing is opened for a service that nobody needs, and of an engine that is named alone nothing is on the board: there
is no other to choose.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import random
from typing import TYPE_CHECKING, Any

import trio
from attrs import evolve

from actors.errors import ProviderError, SettingsError
from actors.events import ProviderChanged
from actors.failover import Candidate, FailoverPolicy
from actors.failover_stt import FailoverRecogniser
from actors.failover_tts import FailoverVoice
from actors.health import HealthPolicy, watch_providers
from actors.machines.board import Board, Key
from actors.messages import Service
from actors.ports import Probe, SpeechToText, TextToSpeech

from ..groups import unwrapped
from ..settings import Settings, names_of
from . import discovery
from .discovery import PATIENCE, SERVICES, Found, Spot, look_at
from .embedded import EmbeddedRecogniser, EmbeddedVoice
from .endpoint_name import EndpointName
from .place import same_service
from .plan import Planned, endpoint_at, is_auto, planned, planned_at
from .provider import AT_START, Provider, attend, candidate_of, open_engine
from .registry import EMBEDDED_VOICE, load_speech_to_text, load_text_to_speech
from .word_finder import WordFinder

if TYPE_CHECKING:
    from .services import ServiceRecogniser, ServiceVoice

RATE = 24_000
"""Of voices that stand in for one another, in Hz: most services speak at it."""

LOOK_AGAIN = 30.0
"""Seconds after which this machine is looked over for new services; it is sooner when an engine goes down."""


class Providers:
    """``stt`` and ``tts`` are None where nobody needs them.  Have ``keep`` run while they are used, and ``aclose``
    them in the end."""

    def __init__(self, settings: Settings, spots: Sequence[Spot]) -> None:
        self.board = Board(chance=random)
        self.stt: SpeechToText | None = None
        self.tts: TextToSpeech | None = None
        self._settings, self._keys = settings, settings.keys or os.environ
        self._spots = tuple(spots) if settings.look_around else ()
        self._providers: dict[Service, list[Provider]] = {}
        self._probes: dict[Key, Probe] = {}
        self._cast: set[str] = set()
        self._missed = trio.Event()
        self._wanted = settings
        self.silence = settings.silence
        self._first_byte = settings.silence

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        listens: bool,
        speaks: bool,
        spots: Sequence[Spot] | None = None,
        must_work: bool = True,
        asks: bool = True,
        first_byte: float = 0.0,
    ) -> Providers:
        """Engines for what is needed: those that are there within about 0.3 s, and the embedded.

        ``spots`` are where services are looked for, None for the usual ones; without ``asks`` nobody is asked or looked
        for yet.  ``first_byte`` is how many seconds an engine that is there may take at least to its answer.  Raises
        SettingsError for what cannot be, and with ``must_work`` ProviderUnavailable when the only engine cannot be had.
        """
        providers = cls(settings, discovery.spots_for(settings) if spots is None else spots)
        providers._first_byte = max(settings.silence, first_byte)
        needed = {"stt": listens and settings.stt is not None, "tts": speaks and settings.tts is not None}
        try:
            with unwrapped():
                await providers._open([service for service in SERVICES if needed[service]], must_work, asks)
        except BaseException:
            await providers.aclose()
            raise
        return providers

    async def aclose(self) -> None:
        """Close all connections, in bounded time; also while being cancelled."""
        for provider in self.all:
            await provider.engine.aclose()

    @property
    def all(self) -> list[Provider]:
        """In the order in which they are asked, service by service."""
        return [provider for providers in self._providers.values() for provider in providers]

    def about(self, service: Service, name: str) -> Mapping[str, str]:
        """What is known of an engine for whoever reads of it afterwards, in the words of exchanges."""
        found = next((each for each in self.all if each.key == (service, name)), None)
        if found is None:
            return {}
        engine = found.engine
        where = {"provider_type": found.plan.place}
        return where if isinstance(engine, EmbeddedRecogniser | EmbeddedVoice) else {**where, **engine.about}

    async def keep(
        self,
        *,
        publish: Callable[[ProviderChanged], None],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Until cancelled: probe what is due, and look for what is new on this machine."""

        def tell(event: ProviderChanged) -> None:
            publish(event)
            if event.status.health == "down":
                self._missed.set()

        async with trio.open_nursery() as nursery:
            policy = HealthPolicy(deadline=self.silence)
            await nursery.start(partial(watch_providers, self.board, self._probes, publish=tell, policy=policy))
            for provider in self.all:
                engine = provider.engine
                if not isinstance(engine, EmbeddedRecogniser | EmbeddedVoice) and provider.key not in self._probes:
                    nursery.start_soon(attend, engine)
            if self._auto:
                nursery.start_soon(self._look_around)
            task_status.started()

    def has(self, settings: Settings) -> bool:
        """Whether the voices that ``settings`` name are among those there are, so that they can be had at once."""
        return self._named(settings) is not None

    def adapt(self, settings: Settings) -> None:
        """Keep to ``settings`` from the next turn on, as far as engines can that are open: to whom of those there are
        is to speak, models, formats, the manner, and what recognisers are told to expect.

        Raises SettingsError for what cannot be.
        """
        if settings == self._wanted:
            return
        self._wanted = settings
        self._settings = evolve(settings, tts=self._settings.tts, stt=self._settings.stt)
        for provider in self.all:
            if not isinstance(provider.engine, EmbeddedRecogniser | EmbeddedVoice):
                provider.engine.adapt(self._settings)
        self._renew("tts")

    def _named(self, settings: Settings) -> list[Provider] | None:
        """Those that ``settings`` name to speak, in that order; None when not all of them are there."""
        all_there = self._providers.get("tts", [])
        if settings.tts == self._settings.tts:
            return all_there
        if is_auto(settings, "tts") or any("?" in name for name in names_of(settings.tts)):
            return None
        try:
            plans = planned(settings, "tts", (), self._keys)
        except SettingsError:
            return None
        found = [each for plan in plans for each in all_there if plan.is_same_as(each.plan)]
        is_choice = found == all_there or isinstance(self.tts, FailoverVoice)
        return found if len(found) == len(plans) > 0 and is_choice else None

    @property
    def _auto(self) -> list[Service]:
        """For what services are looked for on this machine."""
        return [service for service in self._providers if self._spots and is_auto(self._settings, service)]

    async def _open(self, services: Sequence[Service], must_work: bool, asks: bool) -> None:
        self._providers = {service: [] for service in services}
        found = await look_at(self._spots, AT_START) if self._auto and asks else []
        for service in services:
            plans = planned(self._settings, service, found, self._keys)
            alone = len(plans) == 1 and service not in self._auto
            self._providers[service] = [self._made(service, plan, alone=alone) for plan in plans]
        async with trio.open_nursery() as nursery:
            for provider in self.all:
                nursery.start_soon(open_engine, provider, asks and not self._is_alone(provider))
        for service in services:
            await self._load_embedded(service, must_work)
            if self._is_alone(first := self._providers[service][0]):
                self._offer(service, first.engine)
                continue
            for provider in self._providers[service]:
                self.post(provider)
            self._offer(service, self._standing_in(service))

    def _is_alone(self, provider: Provider) -> bool:
        """Whether there is no other to choose, now and later."""
        return len(self._providers[provider.service]) == 1 and provider.service not in self._auto

    def _made(self, service: Service, plan: Planned, *, alone: bool) -> Provider:
        if isinstance(plan.name, EndpointName):
            return Provider(service=service, plan=plan, engine=self._serviced(service, plan, plan.name))
        return Provider(service=service, plan=plan, engine=self._embedded(service, plan.name, alone=alone))

    def _serviced(self, service: Service, plan: Planned, name: EndpointName) -> ServiceRecogniser | ServiceVoice:
        # without a service nothing of HTTP needs to be loaded
        from .services import ServiceRecogniser, ServiceVoice

        if service == "stt":
            return ServiceRecogniser(name, self._settings, plan.keys)
        return ServiceVoice(name, self._settings, plan.keys, self._cast)

    def _embedded(self, service: Service, name: str, *, alone: bool) -> EmbeddedRecogniser | EmbeddedVoice:
        if service == "stt":
            return EmbeddedRecogniser(name, partial(load_speech_to_text, name))
        return EmbeddedVoice(
            name,
            partial(load_text_to_speech, name),
            cast=self._cast,
            preferred=self._settings.voices,
            rate=None if alone else RATE,
        )

    async def _load_embedded(self, service: Service, must_work: bool) -> None:
        """Before anybody talks, also what only stands in: loading pocketsphinx stops all of Python for a second."""
        providers = self._providers[service]
        for provider in tuple(providers):
            if isinstance(provider.engine, EmbeddedRecogniser | EmbeddedVoice):
                try:
                    await provider.engine.load()
                except ProviderError:
                    # another one may do without it, and for one that is slow to say what it has there is time now
                    if must_work and len(providers) == 1 and not await self._found_late(service):
                        raise

    async def _found_late(self, service: Service) -> list[Provider]:
        late = await look_at(self._spots) if service in self._auto else []
        return [await self._add(service, found) for found in late if service in found.services]

    def post(self, provider: Provider) -> None:
        """Put it on the board; from now on it is probed."""
        self.board.add(*provider.key, provider.plan.place, trio.current_time())
        if not isinstance(provider.engine, EmbeddedRecogniser | EmbeddedVoice):
            self._probes[provider.key] = provider.engine

    def _standing_in(self, service: Service) -> FailoverRecogniser | FailoverVoice:
        settings = self._settings
        # all that is remote was named by the user, or the settings allow it: the plan has nothing else
        policy = FailoverPolicy(
            first_byte=self._first_byte, between=self.silence, hedge=settings.hedge, allow_remote=True
        )
        if service == "stt":
            return FailoverRecogniser(self._candidates(service), self.board, policy=policy)
        load = partial(load_text_to_speech, EMBEDDED_VOICE)
        reference = EmbeddedVoice(EMBEDDED_VOICE, load, cast=set(), preferred=(), rate=None)
        return FailoverVoice(
            self._candidates(service), self.board, policy=policy, find_words=WordFinder(reference), rate=RATE
        )

    def _candidates(self, service: Service) -> list[Candidate[Any]]:
        asked = self._providers[service]
        if service == "tts":
            asked = self._named(self._wanted) or asked
        first, *others = map(candidate_of, asked)
        # a voice that nobody has is for the first to refuse; from those that stand in, any is better than none
        return [evolve(first, voices=None), *others]

    def _offer(self, service: Service, engine: Any) -> None:
        if service == "stt":
            self.stt = engine
        else:
            self.tts = engine

    async def _look_around(self) -> None:
        while True:
            self._missed = trio.Event()
            await self.look()
            with trio.move_on_after(LOOK_AGAIN):
                await self._missed.wait()

    async def look(self, patience: float = PATIENCE) -> list[Provider]:
        """Look over this machine once for what is new, which is on the board then; each has ``patience`` seconds."""
        new: list[Provider] = []
        spots = [spot for spot in self._spots if not self._is_awaited(spot)] if self._auto else []
        for found in await look_at(spots, patience):
            for service in self._auto:
                if service in found.services and not self._has(service, found):
                    new.append(await self._add(service, found))
                    self.post(new[-1])
                    self._renew(service)
        return new

    def _is_awaited(self, spot: Spot) -> bool:
        """Whether a service is known there that has not answered yet, or not lately: its probes tell when it does."""
        silent = {(each.service, each.provider) for each in self.board.statuses() if each.health != "up"}
        return any(
            isinstance(each.plan.name, EndpointName) and same_service(each.plan.name.url) == same_service(spot.url)
            for each in self.all
            if each.key in silent
        )

    def _has(self, service: Service, found: Found) -> bool:
        plan = planned_at(found, service, self._settings)
        return any(plan.is_same_as(each.plan) for each in self._providers[service])

    async def _add(self, service: Service, found: Found) -> Provider:
        """What was found on this machine, in its place among the others."""
        plan = planned_at(found, service, self._settings)
        engine = self._serviced(service, plan, endpoint_at(found, service, self._settings))
        await engine.open(found.offer)
        provider = Provider(service=service, plan=plan, engine=engine)
        self._providers[service].append(provider)
        self._providers[service].sort(key=lambda each: each.plan.rank)
        return provider

    def _renew(self, service: Service) -> None:
        standing_in = self.stt if service == "stt" else self.tts
        if isinstance(standing_in, FailoverVoice):
            standing_in.choose(self._candidates(service))
        elif isinstance(standing_in, FailoverRecogniser):
            standing_in.candidates = self._candidates(service)
