"""``voicemode connect talk``: an agent that is talked with from the user's devices."""

from __future__ import annotations

import click
import trio

from actors.errors import SettingsError, VoiceError
from actors.machines.link import LinkStatus

from ..config import Configuration
from .defaults import configured, survey_here
from .output import flush, printable, write_line
from .signals import exit_code_of, heeding_signals
from .talk_agent import AgentChoice, agent_options

UNNAMED = "assistant"


@click.command()
@agent_options
def talk(
    llm_url: str | None, llm_model: str | None, system: str | None, agent_command: str | None, agent_path: str | None
) -> int:
    """Have an agent talked with from your devices, which speak and listen themselves.

    Its name there is VOICEMODE_AGENT_NAME.  Runs until Ctrl-C or SIGTERM.
    """
    choice = AgentChoice(
        url=llm_url,
        model=llm_model,
        system=system,
        command=agent_command,
        path=agent_path,
        keys=configured().keys,
    )
    choice.check()
    return trio.run(_talk, click.get_current_context().find_object(Configuration) or survey_here(), choice)


async def _talk(configuration: Configuration, choice: AgentChoice) -> int:
    try:
        from ..connect.device import device_of
        from ..connect.transport import GatewayTransport
    except ModuleNotFoundError as error:
        raise VoiceError(
            f"Connect needs the package {error.name}. Install it with: pip install 'voicemode[connect]'."
        ) from error
    from actors.link_messages import AgentUser

    from ..agents import answer
    from ..connect.identity import Identity, address_of
    from ..connect.login import LoginSettings, access_token
    from ..connect.remote_talk import talk_remotely

    identity, login = Identity.of(configuration), LoginSettings.of(configuration)
    if not identity.enabled:
        raise SettingsError(
            "Nobody may be reached from elsewhere yet: voicemode config set VOICEMODE_CONNECT_ENABLED true."
        )
    shown = identity.agent or UNNAMED
    user = AgentUser(name=address_of(shown), display_name=shown, host=identity.host, presence="available")

    def tell(text: str) -> None:
        click.echo(f"voicemode: {printable(text)}", err=True)

    def link(status: LinkStatus) -> None:
        if status.state == "up":
            write_line(f"Connected: talk with {printable(shown)} from any of your devices.")
        elif status.error:
            tell(status.error)
        flush()

    async with heeding_signals() as signals, choice.running(tell) as agent:
        await talk_remotely(
            transport=GatewayTransport(login.gateway, access_token(login)),
            device=device_of(identity.host, user.name),
            user=user,
            platform=identity.platform,
            answer=lambda words, history: answer(agent, words, history),
            failed=lambda error: tell(str(error)),
            publish=link,
        )
    return exit_code_of(signals.received) if signals.received is not None else 0
