"""What the name of an engine says about an endpoint.  In: a URL or a short name.  Out: address, choices and key.

A name is ``http(s)://host/v1``, or a short one for a usual address, with the choices behind a question mark:
``kokoro?voice=af_sky``, ``https://api.openai.com/v1?model=gpt-4o-mini-tts&voice=coral``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen

from actors.errors import SettingsError

OPENAI = "https://api.openai.com/v1"
RECOGNISERS = {"whisper": "http://127.0.0.1:2022/v1", "openai": OPENAI}
VOICES = {"kokoro": "http://127.0.0.1:8880/v1?voice=af_sky", "openai": OPENAI}
"""The short names, where the settings say nothing else."""

STT_KEY, TTS_KEY, OPENAI_KEY = "VOICEMODE_STT_KEY", "VOICEMODE_TTS_KEY", "OPENAI_API_KEY"
"""Variables of the environment, or of the user's own file, that may hold a key: for any recogniser, for any voice, and
for OpenAI's own address alone."""


@frozen
class EndpointName:
    url: str = field(repr=False)
    """May hold a password."""
    choices: Mapping[str, str]

    @classmethod
    def parse(cls, name: str, known: Mapping[str, str]) -> Self | None:
        """The endpoint that ``name`` stands for, by its URL or by one of the ``known`` names; None if it is no
        endpoint's.  Raises SettingsError for choices, or an address, that cannot be read."""
        first, _, chosen = name.strip().partition("?")
        if first in known:
            first, _, usual = known[first].partition("?")
        elif first.lower().startswith(("http://", "https://")):
            usual = ""
            _check(first)
        else:
            return None
        try:
            choices = dict(parse_qsl(usual) + parse_qsl(chosen, keep_blank_values=True, strict_parsing=bool(chosen)))
        except ValueError as error:
            raise SettingsError(
                "What follows the question mark in the name of an engine is NAME=VALUE&NAME=VALUE, as in "
                "openai?model=gpt-4o-mini-tts&voice=coral"
            ) from error
        return cls(first, choices)

    def check(self, *names: str) -> None:
        """Raises SettingsError unless all that is chosen is one of ``names`` and has a value."""
        for name, value in self.choices.items():
            if name not in names:
                raise SettingsError(
                    f"Nothing called {name!r} can be chosen for this engine; there is {', '.join(names)}."
                )
            if not value.strip():
                raise SettingsError(f"The name of the engine chooses a {name} and does not say which: {name}=…")


def _check(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        # it may hold a password
        raise SettingsError(
            "The address of a speech endpoint begins with http:// or https:// and a host, as in http://127.0.0.1:2022/v1"
        ) from error


@frozen
class Key:
    """``variable``, of the environment or of the user's own file, holds the ``secret``, or could when there is none."""

    variable: str
    secret: str | None = field(default=None, repr=False)


def is_key(text: str) -> bool:
    """Whether ``text`` can be sent as one; only the endpoint knows whether it is right."""
    return text.isascii() and text.isprintable() and bool(text) and " " not in text


def key_for(address: str, variable: str, environment: Mapping[str, str]) -> Key:
    """The key for the endpoint at ``address`` (which shows host and port as they are asked).

    ``variable`` may hold it for any endpoint, OPENAI_API_KEY for OpenAI's.  Raises SettingsError for what is no key.
    """
    names = (variable, OPENAI_KEY) if f"{address}/".startswith("https://api.openai.com/") else (variable,)
    for name in names:
        if secret := environment.get(name, "").strip():
            if not is_key(secret):
                raise SettingsError(f"{name} holds signs that no key has; was it pasted wrongly?")
            return Key(name, secret)
    return Key(names[-1])
