"""As whom agents of this machine can be written to.  In: what is configured.  Out: names, for programs and people."""

from __future__ import annotations

import re
import socket
import unicodedata
from typing import Any, Self

from attrs import frozen

from actors.errors import SettingsError

from ..config import Configuration
from .names import checked


@frozen(kw_only=True)
class Identity:
    """``enabled`` is whether anybody may be reached; ``host`` what this machine is called; ``agent`` what its agent is,
    if that is configured; ``announced`` the users that a gateway is told of, all if that names none."""

    enabled: bool = False
    host: str = ""
    agent: str = ""
    platform: str = ""
    auto_wakeable: bool = False
    announced: tuple[str, ...] = ()

    @classmethod
    def of(cls, configuration: Configuration) -> Self:
        def configured(name: str) -> Any:
            return configuration.values[f"VOICEMODE_{name}"].value

        return cls(
            enabled=bool(configured("CONNECT_ENABLED")),
            host=configured("CONNECT_HOST") or socket.gethostname(),
            agent=(configured("AGENT_NAME") or "").strip(),
            platform=configured("AGENT_PLATFORM") or "",
            auto_wakeable=bool(configured("AUTO_WAKEABLE")),
            announced=configured("CONNECT_USERS") or (),
        )


def address_of(shown: str) -> str:
    """The name that somebody who is shown as "Cora 7" is written to by: cora-7.

    Raises SettingsError when nothing is left of it.
    """
    plain = unicodedata.normalize("NFKD", shown).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-")
    if not name:
        raise SettingsError(f"{shown!r} cannot be written to as a name: choose one with letters from a to z or digits.")
    return checked(name)
