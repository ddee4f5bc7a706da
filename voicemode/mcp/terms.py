"""On what terms agents are served: what is configured besides the conversation itself."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from attrs import evolve, frozen

from actors.errors import SettingsError

from .arguments import MetricsLevel

log = logging.getLogger(__name__)

CALL_LIMIT = 50.0
"""Seconds after which a call answers: clients built on the TypeScript SDK give one up after 60."""


@frozen(kw_only=True)
class Terms:
    """``enabled`` are the only tools there are, or none for all of them; ``disabled`` are not there in any case.
    ``session`` is whose turn it is among agents that share the voice, where a call does not say."""

    call_limit: float = CALL_LIMIT
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    metrics_level: MetricsLevel = "summary"
    skip_tts: bool = False
    session: str | None = None

    def offers(self, tool: str) -> bool:
        return (not self.enabled or tool in self.enabled) and tool not in self.disabled

    def among(self, tools: Collection[str]) -> Terms:
        """With no names but those of ``tools``; others, which lists of VoiceMode 8's tools have, are warned of."""
        if unknown := [name for name in (*self.enabled, *self.disabled) if name not in tools]:
            log.warning("There is no tool called %s; there is %s.", ", ".join(unknown), ", ".join(tools))
        enabled, disabled = (tuple(name for name in names if name in tools) for names in (self.enabled, self.disabled))
        return evolve(self, enabled=enabled, disabled=disabled)

    def check(self, tools: Iterable[str]) -> None:
        """Raises SettingsError when none of ``tools`` is left."""
        if not any(self.offers(name) for name in tools):
            raise SettingsError("No tool is left: see VOICEMODE_TOOLS_ENABLED and VOICEMODE_TOOLS_DISABLED.")
