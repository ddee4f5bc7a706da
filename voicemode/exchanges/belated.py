"""What the user said, understood long after.  In: when and for how long, and its transcript.  Out: an exchange on the
disk, in the conversation it was said in.

All of it blocks: call it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import msgspec

from actors.messages import Transcript

from ..audio.file_errors import explaining
from .appending import append
from .conversation_id import GAP, conversation_id
from .day_files import EXCHANGES
from .exchange import Exchange, writable
from .reading import Exchanges
from .scribe import reasons


def keep_belated(base: Path, began: datetime, seconds: float, transcript: Transcript, sound: Path | None) -> Exchange:
    """``began`` is when it was said, with a zone, ``sound`` where its recording is kept now.  Raises AudioFileError,
    and VoiceError where earlier ones cannot be read."""
    near = nearest(Exchanges(base, (began - GAP).date(), (began + GAP).date()), began)
    known = {
        "voice_mode_version": version("voicemode"),
        "transport": "local",
        "later": True,
        "provider": transcript.engine,
        "is_fallback": bool(transcript.failures),
        "fallback_reason": reasons(transcript.failures) or None,
        "transcription_time": round(transcript.seconds, 4),
    }
    exchange = Exchange(
        timestamp=began,
        conversation_id=conversation_id(began, None, ()) if near is None else near.conversation_id,
        type="stt",
        text=writable(transcript.text.strip()),
        project_path=None if near is None else near.project_path,
        audio_file=None if sound is None else writable(str(sound)),
        duration_ms=round(1000 * seconds),
        metadata={name: value for name, value in known.items() if value is not None},
    )
    path = EXCHANGES.path(base, began.date())
    with explaining(path, "written"):
        append(path, msgspec.json.encode(exchange) + b"\n")
    return exchange


def nearest(exchanges: Iterable[Exchange], at: datetime) -> Exchange | None:
    """The one said closest to ``at``; None when there is none close enough to be of the same conversation."""

    def away(exchange: Exchange) -> timedelta:
        return abs(exchange.at - at)

    return min((each for each in exchanges if each.conversation_id and away(each) < GAP), key=away, default=None)
