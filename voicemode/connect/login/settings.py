"""What is configured of a login.  In: a ``Configuration``.  Out: whom to ask, as whom, and where the answer is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self, cast

from attrs import field, frozen

from ...config import Configuration, settings_of
from ...config.kinds import NOTHING


@frozen(kw_only=True)
class LoginSettings:
    """``audience`` is empty where the provider is to be told none.  ``token`` is one that a gateway of the user's own
    gave out, and goes before any login."""

    enabled: bool
    gateway: str
    issuer: str
    client_id: str
    audience: str
    scopes: str
    store: Literal["file", "keyring"]
    base_dir: Path
    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, configuration: Configuration) -> Self:
        """Raises SettingsError."""

        def text(name: str) -> str:
            return str(configuration.values[f"VOICEMODE_{name}"].value or "").strip()

        return cls(
            enabled=bool(configuration.values["VOICEMODE_CONNECT_ENABLED"].value),
            gateway=text("CONNECT_WS_URL"),
            issuer=text("CONNECT_ISSUER"),
            client_id=text("CONNECT_CLIENT_ID"),
            audience="" if text("CONNECT_AUDIENCE").lower() == NOTHING else text("CONNECT_AUDIENCE"),
            scopes=text("CONNECT_SCOPES"),
            store=cast("Any", text("CREDENTIAL_STORE")),
            base_dir=settings_of(configuration).base_dir,
            token=text("CONNECT_TOKEN"),
        )
