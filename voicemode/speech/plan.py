"""Which engines there are to be.  In: the settings, what was found on this machine, keys.  Out: engines in their order.

First the user's own, then what was found here, then the cloud if it is allowed and there is a key, then the embedded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias
from urllib.parse import quote

from attrs import field, frozen

from actors.errors import SettingsError
from actors.messages import Place, Service

from ..settings import AUTO, Settings, names_of
from .discovery import Found
from .endpoint_name import OPENAI, OPENAI_KEY, RECOGNISERS, VOICES, EndpointName
from .offer import Offer
from .place import place_of, same_service
from .registry import ALIASES, EMBEDDED_RECOGNISER, EMBEDDED_VOICE

Rank: TypeAlias = Literal[0, 1, 2, 3]
"""The user's own, what was found or the cloud, the embedded: a lower one is asked before a higher one."""


@frozen(kw_only=True)
class Planned:
    """``name`` is one of the registry's, or an endpoint's; ``offer`` is what it is known to have; one that was
    ``found`` on this machine has been asked for that.

    ``keys`` are for it: the user's for what the user names, OpenAI's for OpenAI, none for who happens to listen at a
    port.
    """

    name: str | EndpointName
    place: Place
    rank: Rank = 0
    offer: Offer | None = None
    found: bool = False
    keys: Mapping[str, str] = field(factory=dict[str, str], repr=False)

    def is_same_as(self, other: Planned) -> bool:
        """Whether both are one service, by whatever name."""
        return self._identity == other._identity

    @property
    def _identity(self) -> object:
        return same_service(self.name.url) if isinstance(self.name, EndpointName) else self.name


def is_auto(settings: Settings, service: Service) -> bool:
    return names_of(settings.tts if service == "tts" else settings.stt) == (AUTO,)


def planned(
    settings: Settings, service: Service, found: Iterable[Found], environment: Mapping[str, str]
) -> list[Planned]:
    """In the order in which they are asked.  Raises SettingsError for names that cannot be read."""
    known = short_names(settings, service)
    if not is_auto(settings, service):
        names = names_of(settings.tts if service == "tts" else settings.stt)
        plans = [_named(name, EndpointName.parse(name, known), environment) for name in names]
        if len(_once(plans)) < len(plans):
            raise SettingsError("The same service is named twice, and once is enough.")
        return plans
    urls = settings.tts_urls if service == "tts" else settings.stt_urls
    own = [_named(url, EndpointName.parse(url, known), environment) for url in urls]
    here = [planned_at(each, service, settings) for each in found if service in each.services]
    embedded = EMBEDDED_VOICE if service == "tts" else EMBEDDED_RECOGNISER
    others = sorted([*here, *_cloud(settings, environment)], key=lambda each: each.rank)
    return [*_once([*own, *others]), Planned(name=embedded, place="embedded", rank=3)]


def short_names(settings: Settings, service: Service) -> Mapping[str, str]:
    """The addresses that short names stand for."""
    if service == "stt":
        return {**RECOGNISERS, "whisper": f"http://127.0.0.1:{settings.whisper_port}/v1"}
    voice = quote(settings.kokoro_voice or "af_sky")
    return {**VOICES, "kokoro": f"http://127.0.0.1:{settings.kokoro_port}/v1?voice={voice}"}


def planned_at(found: Found, service: Service, settings: Settings) -> Planned:
    """What was found on this machine."""
    rank: Rank = 1 if settings.prefer_local else 2
    return Planned(name=endpoint_at(found, service, settings), place="local", rank=rank, offer=found.offer, found=True)


def endpoint_at(found: Found, service: Service, settings: Settings) -> EndpointName:
    """Where it was found; at Kokoro's port with the voice that the settings have for it."""
    is_kokoro = service == "tts" and found.spot.port == settings.kokoro_port
    voice = settings.kokoro_voice if is_kokoro else None
    return EndpointName(found.spot.url, {} if voice is None else {"voice": voice})


def _cloud(settings: Settings, environment: Mapping[str, str]) -> Iterator[Planned]:
    keys = {OPENAI_KEY: environment.get(OPENAI_KEY, "").strip()}
    if settings.allow_remote and keys[OPENAI_KEY]:
        rank: Rank = 2 if settings.prefer_local else 1
        yield Planned(name=EndpointName(OPENAI, {}), place="remote", rank=rank, keys=keys)


def _named(name: str, endpoint: EndpointName | None, environment: Mapping[str, str]) -> Planned:
    if endpoint is None:
        return Planned(name=ALIASES.get(name, name), place="embedded")
    return Planned(name=endpoint, place=place_of(endpoint.url), keys=environment)


def _once(plans: Iterable[Planned]) -> list[Planned]:
    once: list[Planned] = []
    for plan in plans:
        if not any(plan.is_same_as(each) for each in once):
            once.append(plan)
    return once
