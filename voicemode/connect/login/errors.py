"""What can go wrong with a login, by what is to be done about it.  No message holds a token, a code or a verifier."""

from __future__ import annotations

from actors.errors import LinkLost, LinkRefused, VoiceError


class LoginError(VoiceError):
    """Nobody could be signed in, or what a login left could not be kept or used."""


class LoginRequired(LoginError, LinkRefused):
    """Nobody is signed in, or not any more: only a person can help, with ``voicemode connect login``."""


class ProviderSilent(LoginError, LinkLost):
    """The provider did not answer, or not now: the same may succeed later."""


class GrantRefused(LoginError):
    """The provider does not take the code or the refresh token; it will not take it later either."""
