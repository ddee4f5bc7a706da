"""What a request cannot have, and why, in the shape that OpenAI's clients understand.

The shape, its types and its codes are those of the OpenAI API reference, "Error codes".
"""

from __future__ import annotations

import msgspec

from actors.errors import AudioFileError, ProviderError, ProviderUnavailable, SettingsError, VoiceError


class Refusal(Exception):
    """An answer with an HTTP ``status`` from 400 on.

    ``param`` is the field that is wrong, ``code`` a word for programs; ``headers`` go with the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.headers = status, code, param, headers

    @property
    def body(self) -> bytes:
        """The answer's JSON."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})


def refusal_of(error: VoiceError) -> Refusal:
    """503 for an engine that is not there or broke, 400 for what cannot be done with what was sent."""
    code = error.code if isinstance(error, ProviderError) else None
    if isinstance(error, ProviderUnavailable):
        return Refusal(503, str(error), code=code)
    if isinstance(error, ProviderError | SettingsError | AudioFileError):
        return Refusal(400, str(error), code=code)
    return Refusal(500, str(error))
