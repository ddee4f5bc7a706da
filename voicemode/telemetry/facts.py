"""What is told of a turn and its parts besides their times.  In: results, errors, engines.  Out: attributes.

What was said is in none of them unless ``content`` is asked for; nor are errors' sentences, which may quote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import field, frozen

from actors.errors import VoiceError
from actors.messages import Service, TurnId
from actors.results import TurnResult

from .values import Value

AGENT = "invoke_agent"
"""The operation of GenAI's conventions that an agent's answer is."""

About: TypeAlias = Callable[[Service, str], Mapping[str, str]]
"""What is known of an engine besides its name: its ``model`` above all."""


@frozen(kw_only=True)
class Facts:
    """``conversation`` is what its turns have in common; ``kept_as`` is what its exchanges are kept under, if they
    are."""

    conversation: str
    content: bool = False
    about: About = field(default=lambda _, __: {})
    kept_as: Callable[[], str | None] = field(default=lambda: None)

    def of_turn(self, number: TurnId) -> dict[str, Value]:
        return {"gen_ai.conversation.id": self.conversation, "voicemode.turn.number": number}

    def asked(self, service: Service, engine: str, text: str | None = None) -> dict[str, Value]:
        """Of ``engine``, which does ``service``, and of the ``text`` that it heard or says."""
        model = self.about(service, engine).get("model")
        return {
            "gen_ai.operation.name": service,
            "gen_ai.output.type": "text" if service == "stt" else "speech",
            "gen_ai.provider.name": engine,
            **({"gen_ai.request.model": model} if model else {}),
            **({"voicemode.text": text} if self.content and text is not None else {}),
        }

    def of_result(self, result: TurnResult, *, failed: bool = False) -> dict[str, Value]:
        """Of a turn that had a result, though with ``failed`` an error came out of it instead."""
        spoken = result.spoken
        known: dict[str, Value | None] = {
            "voicemode.turn.outcome": "failed" if failed else result.outcome,
            "voicemode.tts.engine": result.engines.tts,
            "voicemode.stt.engine": result.engines.stt,
            "voicemode.spoken.complete": spoken.complete,
            "voicemode.false_interruptions": result.false_interruptions,
            "voicemode.failures": len(result.failures),
            "voicemode.device.losses": len(result.losses),
            "voicemode.drafts": result.speculation.drafts,
            "voicemode.exchanges": self.kept_as(),
        }
        if self.content:
            known |= {"voicemode.text": result.transcript, "voicemode.spoken.heard": spoken.heard}
        return {name: value for name, value in known.items() if value is not None}

    def of_error(self, error: VoiceError) -> dict[str, Value]:
        said = {"voicemode.error": str(error)} if self.content else {}
        return {"voicemode.turn.outcome": "failed", "voicemode.utterance.kept": error.recording is not None, **said}
