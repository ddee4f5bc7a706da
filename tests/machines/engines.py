"""What the tests of breaker, board and health let engines fail with."""

from __future__ import annotations

from actors.errors import ProviderError, ProviderRefused, ProviderUnavailable


def unavailable(code: str, retry_after: float | None = None) -> ProviderError:
    return ProviderUnavailable("whisper", f"whisper: {code}.", code=code, retryable=True, retry_after=retry_after)


def refusal(code: str) -> ProviderError:
    return ProviderRefused("whisper", f"whisper: {code}.", code=code)
