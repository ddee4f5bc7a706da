"""The tool ``register_wakeable``: an agent and its team in, messages for that agent in the team's inbox from then on.

That holds as long as the server lives, and no longer: nobody writes to a session that has ended.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
import trio
from msgspec import Meta

from actors.errors import SettingsError, VoiceError
from voicemode import Settings
from voicemode.config import Configuration
from voicemode.connect.identity import Identity, address_of
from voicemode.connect.presence import Subscription, inbox_of, presence_of, subscribe
from voicemode.connect.users import Users

from .arguments import Arguments

log = logging.getLogger(__name__)

CLEAN_UP = 1.0
"""Seconds at most that it may take to give up the subscription when the client has gone."""

NO_NAME = (
    "Nobody was registered: say what you are called with agent_name, or the user configures it once with voicemode "
    "config set VOICEMODE_AGENT_NAME."
)


class RegisterArguments(Arguments):
    team_name: Annotated[str, Meta(description="The team that you lead")]
    agent_name: Annotated[str, Meta(description="What users call you; as configured if empty")] = ""
    agent_platform: str = ""


class RegisterAnswer(msgspec.Struct, kw_only=True):
    user: str
    display_name: str
    team: str
    inbox: str

    def in_words(self) -> str:
        shown = "" if self.display_name == self.user else f" (shown as {self.display_name})"
        return (
            f"Messages for {self.user}{shown} will arrive in the inbox of team {self.team} as long as this session "
            "lives. They come while voicemode connect up runs, which the user starts."
        )


class Wakeable:
    """For one server.  ``users`` are those of this machine, ``identity`` what is configured."""

    def __init__(self, users: Users, identity: Identity) -> None:
        self._users, self._identity = users, identity
        self._held: Subscription | None = None
        self._one_at_a_time = trio.Lock()

    async def register(self, given: RegisterArguments) -> RegisterAnswer:
        """Raises SettingsError for a team that there is not, and VoiceError when another session has the name.

        What was registered before stays then; otherwise it is over.
        """
        async with self._one_at_a_time:
            self._held = held = await trio.to_thread.run_sync(self._register, given, self._held)
            found = await trio.to_thread.run_sync(self._users.get, held.user)
        return RegisterAnswer(
            user=found.name, display_name=found.display_name, team=given.team_name, inbox=str(held.target)
        )

    @property
    def wish(self) -> str:
        """What the agent is asked to do by itself, if anything."""
        identity = self._identity
        return "Once you have a team, register_wakeable." if identity.auto_wakeable and identity.agent else ""

    async def status(self) -> str:
        """In words."""
        held = self._held
        if held is None:
            return f"{self._identity.agent or 'you'}: not woken by messages; register_wakeable changes that"
        if not await trio.to_thread.run_sync(held.is_current):
            return f"{held.user}: another session is woken by messages now"
        presence = await trio.to_thread.run_sync(presence_of, self._users, held.user)
        if presence != "available":
            return f"{held.user}: not woken by messages, the team {held.holder.team} is gone; register_wakeable anew"
        return f"{held.user}: woken by messages in the inbox of team {held.holder.team}"

    async def leave(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            try:
                await trio.to_thread.run_sync(held.release, abandon_on_cancel=True)
            except VoiceError as error:
                log.warning("%s", error)

    def _register(self, given: RegisterArguments, held: Subscription | None) -> Subscription:
        inbox_of(self._users, given.team_name)  # who has no team yet is not made a user
        platform = given.agent_platform.strip() or self._identity.platform
        user = self._user(given)
        return subscribe(self._users, user, given.team_name, platform=platform, instead_of=held)

    def _user(self, given: RegisterArguments) -> str:
        """Whoever is called so, added where there is nobody."""
        shown = given.agent_name.strip() or self._identity.agent
        if not shown:
            raise SettingsError(NO_NAME)
        there = self._users.called(shown) or self._users.called(address_of(shown))
        if there is not None:
            return there.name
        return self._users.add(address_of(shown), shown, host=self._identity.host, there_ok=True).name


@asynccontextmanager
async def wakeable(configuration: Configuration, settings: Settings) -> AsyncGenerator[Wakeable]:
    """Registered until it is left."""
    identity = Identity.of(configuration)
    if identity.auto_wakeable and not identity.agent:
        log.warning("VOICEMODE_AUTO_WAKEABLE has no effect without VOICEMODE_AGENT_NAME.")
    there = Wakeable(Users(settings.base_dir), identity)
    try:
        yield there
    finally:
        with trio.move_on_after(CLEAN_UP, shield=True):
            await there.leave()
