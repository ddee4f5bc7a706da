"""What can go wrong, by whose fault: foreign exceptions become one of these once, at the adapter that met them.

Every message is a sentence for a person: what failed, with which engine or device, and what to do next.
"""

from __future__ import annotations

from pathlib import Path

from .account import SpokenText


class VoiceError(Exception):
    """Base of all errors a conversation raises on purpose; anything else is a bug.

    ``recording`` is where the user's speech is kept when the failure would otherwise have lost it; the message names it
    and the command that makes a text of it later.

    The error of a turn also has the assistant's side of it, as a result has: ``spoken`` is what it had to say and how
    much of that was heard, ``interrupted`` whether it was stopped, by voice or by hand.  Where no turn had begun
    ``spoken`` is None.
    """

    recording: Path | None = None
    spoken: SpokenText | None = None
    interrupted: bool = False

    def __str__(self) -> str:
        said = super().__str__()
        if self.recording is None:
            return said
        return f"{said} What was said is kept in {self.recording}: voicemode transcribe --pending finishes it later."


class SettingsError(VoiceError):
    """The caller asked for something that cannot be: an unknown URI, an empty text, a value out of range."""


class ScriptError(SettingsError):
    """A conversation script cannot be run as it stands; ``line`` is where, counted from 1, when it is known."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path, self.line, self.reason = path, line, reason


class AudioFileError(VoiceError):
    """A file of audio is missing, cannot be read or written, or does not hold audio."""


class DeviceError(VoiceError):
    """A microphone or speaker cannot be opened or stopped working."""


class DeviceLost(DeviceError):
    """A microphone or speaker was there and has gone; it may come back."""


class ProviderError(VoiceError):
    """A speech engine failed.

    ``code`` is a stable word for programs; ``retryable`` says whether the same call may succeed later.
    """

    def __init__(self, provider: str, message: str, *, code: str, retryable: bool) -> None:
        super().__init__(message)
        self.provider, self.code, self.retryable = provider, code, retryable


class ProviderUnavailable(ProviderError):
    """The engine is not there: not installed, not running, broken, or busy.

    ``retry_after`` is how many seconds it asks to be left alone, when it says so.
    """

    def __init__(
        self,
        provider: str,
        message: str,
        *,
        code: str = "unavailable",
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(provider, message, code=code, retryable=retryable)
        self.retry_after = retry_after


class ProviderRefused(ProviderError):
    """The engine is there and says no to this request; asking it again will not help."""

    def __init__(self, provider: str, message: str, *, code: str = "refused") -> None:
        super().__init__(provider, message, code=code, retryable=False)


class AllProvidersFailed(ProviderError):
    """Every engine that may do it was asked, and none did; ``failures`` says which and why, in order."""

    def __init__(self, message: str, failures: tuple[ProviderError, ...]) -> None:
        last = failures[-1]
        super().__init__(last.provider, message, code="all_failed", retryable=any(each.retryable for each in failures))
        self.failures = failures


class LinkLost(VoiceError):
    """There is no link to the gateway, or no longer; it may come back."""


class LinkRefused(VoiceError):
    """The gateway does not take who we say we are; trying again will not help."""


class LinkFull(VoiceError):
    """As much waits for its answer as may wait.  The message was not taken."""


class FloorBusy(VoiceError):
    """Somebody else has the voice that several agents share, or is next.  Nothing was said.

    ``session_id``, ``agent``, ``project_path`` and ``pid`` are theirs, ``since`` is the time on the wall since when
    they have it or wait, None where the call was sent away; ``held`` says that they only keep it for what they say
    next.  ``position`` is the place in the queue, from 1, that the call would have now, ``waiting`` how many wait.
    """

    def __init__(
        self,
        message: str,
        *,
        session_id: str | None = None,
        agent: str | None = None,
        project_path: str | None = None,
        pid: int | None = None,
        since: float | None = None,
        held: bool = False,
        position: int | None = None,
        waiting: int = 0,
    ) -> None:
        super().__init__(message)
        self.session_id, self.agent, self.project_path, self.pid = session_id, agent, project_path, pid
        self.since, self.held, self.position, self.waiting = since, held, position, waiting


class InboxError(VoiceError):
    """A message could not be put into an inbox: nobody has been told that it is there.

    ``reason`` is for whoever wrote it, elsewhere perhaps: a few words without a path or a name of this machine.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownRecipient(InboxError):
    """There is nobody of that name here, and nobody else is given the message."""


class InboxFull(InboxError):
    """Nobody has read the inbox for so long that nothing more goes in."""


class BadMessage(InboxError, SettingsError):
    """A name or a text that no inbox takes."""


def error_type(error: BaseException) -> str:
    """In a word that quotes nothing of what was said: the engine's own code, or the kind of error."""
    return error.code if isinstance(error, ProviderError) else type(error).__name__
