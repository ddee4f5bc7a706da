"""Where a gateway is.  In: the address of the settings.  Out: its parts, or why it cannot be one."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from attrs import frozen

from actors.errors import SettingsError


@frozen(kw_only=True)
class GatewayAddress:
    """``resource`` is what is asked for, its query included; ``secure`` whether by TLS."""

    host: str
    port: int
    resource: str
    secure: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises SettingsError."""
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
            named = bool(host) and parts.username is None and url.isascii() and url.isprintable()
        except ValueError:
            host, port, named = None, None, False
            parts = urlsplit("")
        if not host or not named or parts.scheme not in {"ws", "wss"} or " " in url.strip():
            raise SettingsError(
                "VOICEMODE_CONNECT_WS_URL is the address of a gateway, as wss://voicemode.dev/ws or, on this machine, "
                "ws://127.0.0.1:8790/ws. It begins with ws:// or wss:// and holds no name and no password."
            )
        secure = parts.scheme == "wss"
        resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(host=host, port=port or (443 if secure else 80), resource=resource, secure=secure)

    @property
    def loopback(self) -> bool:
        """Whether nothing that is sent there leaves this machine."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def authority(self) -> str:
        """As the ``Host`` of a request."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Without the query, where some put a token."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.resource.partition('?')[0]}"
