"""``voicemode connect up``: agents can be reached until a signal comes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click
import trio

from actors.errors import SettingsError, VoiceError

from ..config import Configuration
from .defaults import survey_here
from .options import as_json
from .output import flush, printable, write_json, write_line
from .signals import exit_code_of, heeding_signals

if TYPE_CHECKING:
    from ..connect.reachable import Reached


@click.command()
@as_json
def up(as_json: bool) -> int:
    """Keep agents reachable: what is written to them elsewhere arrives in their inboxes, and wakes who subscribes.

    Runs until Ctrl-C or SIGTERM.  Wants VOICEMODE_CONNECT_ENABLED=true and a login, or VOICEMODE_CONNECT_TOKEN.
    """
    configuration = click.get_current_context().find_object(Configuration) or survey_here()
    return trio.run(_up, configuration, as_json)


async def _up(configuration: Configuration, as_json: bool) -> int:
    try:
        from ..connect.device import device_of
        from ..connect.reachable import stay_reachable
        from ..connect.transport import GatewayTransport
        from ..connect.watch import watch_users
    except ModuleNotFoundError as error:
        raise VoiceError(
            f"Connect needs the package {error.name}. Install it with: pip install 'voicemode[connect]'."
        ) from error
    from ..connect.identity import Identity
    from ..connect.inbox_store import FileInboxStore
    from ..connect.login import LoginSettings, access_token
    from ..connect.users import Users

    identity, login = Identity.of(configuration), LoginSettings.of(configuration)
    if not identity.enabled:
        raise SettingsError(
            "Nobody may be reached from elsewhere yet: voicemode config set VOICEMODE_CONNECT_ENABLED true."
        )
    shown, transport = _Shown(as_json), GatewayTransport(login.gateway, access_token(login))
    async with heeding_signals() as signals:
        await stay_reachable(
            transport=transport,
            gateway=str(transport.address),
            device=device_of(identity.host, "connect"),
            platform=identity.platform,
            watch=partial(watch_users, users=Users(login.base_dir), only=identity.announced),
            store=FileInboxStore(login.base_dir),
            base=login.base_dir,
            publish=shown.show,
        )
    return exit_code_of(signals.received) if signals.received is not None else 0


class _Shown:
    """Lines for a person, or one JSON object for each change."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._line = ""

    def show(self, reached: Reached) -> None:
        users = [f"{each.name} ({each.presence})" for each in reached.users]
        if self._as_json:
            write_json(
                {
                    "link": reached.link.state,
                    "error": reached.link.error,
                    "users": users,
                    "devices": list(reached.devices),
                }
            )
        elif (line := _line_of(reached, users)) != self._line:
            self._line = line
            write_line(printable(line))
        flush()


def _line_of(reached: Reached, users: list[str]) -> str:
    if reached.link.state == "up":
        there = f"; devices: {', '.join(reached.devices)}" if reached.devices else ""
        return f"Connected. Reachable: {', '.join(users) or 'nobody yet, see voicemode connect user add'}{there}"
    if reached.link.error:
        return f"Not connected: {reached.link.error}"
    return "Connecting …"
