"""On what terms agents are served: what is configured besides the conversation itself."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from actors.errors import SettingsError

from .arguments import MetricsLevel

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

    def check(self, tools: Iterable[str]) -> None:
        """Raises SettingsError for names of no tool, and when none is left."""
        names = tuple(tools)
        wrong = [name for name in (*self.enabled, *self.disabled) if name not in names]
        if wrong:
            raise SettingsError(f"There is no tool called {', '.join(wrong)}; there is {', '.join(names)}.")
        if not any(self.offers(name) for name in names):
            raise SettingsError("No tool is left: see VOICEMODE_TOOLS_ENABLED and VOICEMODE_TOOLS_DISABLED.")
