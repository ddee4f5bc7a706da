"""What a gateway knows this machine by.  In: its name, and that of a project.  Out: the device that they are."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version

from actors.link_messages import AGENTS_PLATFORM, Device


def device_of(host: str, project: str) -> Device:
    """The same every time, so that a gateway knows a connection for one of the same device."""
    name = f"{project}@{host}"
    return Device(
        device_id="dev-" + sha256(name.encode(errors="surrogateescape")).hexdigest()[:24],
        platform=AGENTS_PLATFORM,
        name=name.encode(errors="replace").decode(),
        app_version=version("voicemode"),
    )
