"""Engines that another distribution brings: found by name, loaded when asked for, and blamed by name when broken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.errors import ProviderUnavailable, SettingsError
from voicemode.config import read_configuration
from voicemode.speech.registry import load_speech_model, load_speech_to_text, load_text_to_speech, load_turn_model

MODULE = """
raise_on_import = {raises}
if raise_on_import:
    raise ImportError("no such library")

class Engine:
    name, rate, window = "parrot", 16_000, 512

async def make():
    return Engine()

async def fail():
    raise RuntimeError("out of seeds")

def blocking():
    return Engine()
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A distribution called parrots, made of a module and its metadata, as pip would leave it."""

    def install(function: str = "make", *, raises: bool = False) -> None:
        (tmp_path / "parrots.py").write_text(MODULE.format(raises=raises))
        info = tmp_path / "parrots-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrots\nVersion: 1.2\n")
        groups = (f"[voicemode.{service}]\nparrot = parrots:{function}\n" for service in ("stt", "tts", "vad", "turn"))
        (info / "entry_points.txt").write_text("\n".join(groups))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "parrots", raising=False)

    return install


every_service = pytest.mark.parametrize(
    "load", [load_speech_to_text, load_text_to_speech, load_speech_model, load_turn_model]
)


@every_service
async def test_an_engine_of_another_distribution_is_there_by_its_name(
    install: Callable[..., None], load: object
) -> None:
    install()
    assert callable(load)
    assert (await load("parrot")).name == "parrot"


@every_service
async def test_its_name_is_among_those_there_are(install: Callable[..., None], load: object) -> None:
    install(raises=True)
    assert callable(load)
    with pytest.raises(SettingsError, match=r"'nobody'; there is .*parrot"):
        await load("nobody")


@pytest.mark.parametrize(
    ("function", "raises", "reason"),
    [
        ("make", True, "ImportError: no such library"),
        ("fail", False, "RuntimeError: out of seeds"),
        ("blocking", False, "parrots:blocking is no async function"),
        ("gone", False, "AttributeError"),
    ],
)
async def test_a_broken_one_is_blamed_by_name_and_only_when_it_is_asked_for(
    install: Callable[..., None], function: str, raises: bool, reason: str
) -> None:
    install(function, raises=raises)
    assert (await load_speech_to_text("pocketsphinx")).name == "pocketsphinx"
    with pytest.raises(ProviderUnavailable, match=reason) as raised:
        await load_speech_to_text("parrot")
    assert "parrots 1.2" in str(raised.value)
    assert (raised.value.provider, raised.value.code) == ("parrot", "broken")


def test_it_may_be_configured(install: Callable[..., None]) -> None:
    install(raises=True)
    environment = {"VOICEMODE_STT": "parrot,pocketsphinx", "VOICEMODE_TTS": "parrot"}
    said = read_configuration(environment=environment, directory=None, home=None).values
    assert [said[name].value for name in environment] == [*environment.values()]
    assert "parrots" not in sys.modules
