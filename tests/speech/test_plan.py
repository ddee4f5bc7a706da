"""Which engines there are, in which order, and whose keys they get."""

from __future__ import annotations

import pytest

from actors.errors import SettingsError
from actors.messages import Service
from voicemode import Settings
from voicemode.speech.discovery import Found, Spot
from voicemode.speech.endpoint_name import EndpointName
from voicemode.speech.offer import Offer
from voicemode.speech.place import place_of, same_service
from voicemode.speech.plan import Planned, planned

KEYS = {"OPENAI_API_KEY": "for-openai", "VOICEMODE_TTS_KEY": "for-tts", "VOICEMODE_STT_KEY": "for-stt"}
WHISPER = Found(Spot(2022), ("stt",), Offer())
BOTH = Found(Spot(8881), ("stt", "tts"), Offer(stt=("pocketsphinx",)))
OPENAI = "https://api.openai.com/v1"


def names(plans: list[Planned]) -> list[str]:
    return [plan.name.url if isinstance(plan.name, EndpointName) else plan.name for plan in plans]


def auto(service: Service, *found: Found, keys: dict[str, str] = KEYS, **settings: object) -> list[Planned]:
    return planned(Settings(**settings), service, found, keys)  # type: ignore[arg-type]


def test_short_names_stand_for_the_ports_and_the_voice_that_are_configured() -> None:
    assert names(auto("stt", stt="whisper", whisper_port=9)) == ["http://127.0.0.1:9/v1"]
    assert names(auto("stt", stt="whisper")) == ["http://127.0.0.1:2022/v1"]
    (plan,) = auto("tts", tts="kokoro", kokoro_port=9, kokoro_voice="bf_emma")
    assert plan.name == EndpointName("http://127.0.0.1:9/v1", {"voice": "bf_emma"})
    (plan,) = auto("tts", tts="kokoro?voice=am_adam", kokoro_voice="bf_emma")
    assert plan.name == EndpointName("http://127.0.0.1:8880/v1", {"voice": "am_adam"})


def test_kokoros_voice_is_for_the_voice_at_its_port_alone() -> None:
    at = [Found(Spot(port), ("stt", "tts"), Offer()) for port in (8000, 9)]
    plans = auto("tts", *at, kokoro_port=9, kokoro_voice="bf_emma")
    assert [plan.name.choices for plan in plans if isinstance(plan.name, EndpointName)] == [{}, {"voice": "bf_emma"}]
    assert all(
        not plan.name.choices
        for plan in auto("stt", *at, kokoro_port=9, kokoro_voice="bf_emma")
        if isinstance(plan.name, EndpointName)
    )


def test_without_anything_there_is_the_embedded_one() -> None:
    assert names(auto("stt")) == ["pocketsphinx"]
    assert names(auto("tts")) == ["espeak-ng"]


def test_the_users_own_come_first_then_what_is_here_then_the_cloud_then_the_embedded() -> None:
    own = ("http://10.0.0.2/v1", "https://x.example.org/v1")
    plans = auto("stt", WHISPER, BOTH, stt_urls=own, allow_remote=True)
    here = ["http://127.0.0.1:2022/v1", "http://127.0.0.1:8881/v1"]
    assert names(plans) == [*own, *here, OPENAI, "pocketsphinx"]
    assert [plan.place for plan in plans] == ["local", "remote", "local", "local", "remote", "embedded"]


def test_the_cloud_may_go_before_what_is_here() -> None:
    plans = auto("tts", BOTH, allow_remote=True, prefer_local=False)
    assert names(plans) == [OPENAI, "http://127.0.0.1:8881/v1", "espeak-ng"]


@pytest.mark.parametrize(("keys", "allowed"), [({}, True), (KEYS, False), ({"VOICEMODE_TTS_KEY": "x"}, True)])
def test_the_cloud_wants_a_key_of_its_own_and_permission(keys: dict[str, str], allowed: bool) -> None:
    assert names(auto("tts", keys=keys, allow_remote=allowed)) == ["espeak-ng"]


def test_a_service_that_does_only_the_other_is_not_asked() -> None:
    assert names(auto("tts", WHISPER)) == ["espeak-ng"]


def test_what_the_user_names_is_not_found_a_second_time() -> None:
    plans = auto("stt", WHISPER, stt_urls=("http://localhost:2022/v1/?model=base",))
    assert [plan.name for plan in plans] == [
        EndpointName("http://localhost:2022/v1/", {"model": "base"}),
        "pocketsphinx",
    ]


def test_keys_go_to_those_they_are_for() -> None:
    own, here, cloud, embedded = auto("stt", WHISPER, stt_urls=("http://10.0.0.2/v1",), allow_remote=True)
    assert (own.keys, here.keys, cloud.keys, embedded.keys) == (KEYS, {}, {"OPENAI_API_KEY": "for-openai"}, {})
    assert "for-openai" not in repr((own, cloud))


def test_a_list_is_taken_as_it_is_and_nothing_else() -> None:
    plans = auto("stt", WHISPER, stt="openai, pocketsphinx,whisper", stt_urls=("http://10.0.0.2/v1",))
    assert names(plans) == [OPENAI, "pocketsphinx", "http://127.0.0.1:2022/v1"]


def test_the_same_service_by_two_names_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="named twice"):
        auto("stt", stt="whisper,http://localhost:2022/v1")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:8880/v1", "local"),
        ("http://[::1]:8880/v1", "local"),
        ("http://LOCALHOST/v1", "local"),
        ("http://192.168.1.4:8000/v1", "local"),
        ("http://[fe80::1]/v1", "local"),
        ("http://kitchen:8000/v1", "local"),
        ("https://me:hush@nas.local/v1", "local"),
        ("https://api.openai.com/v1", "remote"),
        ("https://8.8.8.8/v1", "remote"),
        ("https://local.example.org/v1", "remote"),
    ],
)
def test_where_a_service_works_is_told_by_its_address(url: str, place: str) -> None:
    assert place_of(url) == place


def test_this_machine_has_several_names() -> None:
    assert same_service("http://localhost:2022/v1/") == same_service("HTTP://127.0.0.1:2022/v1")
    assert same_service("http://localhost:2022/v1") != same_service("http://localhost:2023/v1")
    assert same_service("https://x/v1") == same_service("https://x:443/v1") != same_service("http://x/v1")
