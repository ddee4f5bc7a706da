"""How a login stands.  In: the settings and what is kept.  Out: JSON for programs, sentences for people; no tokens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

from .credentials import Credentials
from .settings import LoginSettings


def report_of(settings: LoginSettings, place: str, login: Credentials | None, now: float) -> dict[str, object]:
    """``known_by`` is ``token``, ``login`` or null; ``login`` what is kept of one in ``place``, or null."""
    usable = login is not None and login.issuer == settings.issuer
    return {
        "enabled": settings.enabled,
        "gateway": _shown(settings.gateway),
        "known_by": "token" if settings.token else "login" if usable else None,
        "store": settings.store,
        "place": place,
        "login": None if login is None else _login(login, now, usable=usable),
    }


def _login(login: Credentials, now: float, *, usable: bool) -> dict[str, object]:
    return {
        "user": login.name,
        "issuer": login.issuer,
        "client_id": login.client_id,
        "usable": usable,
        "expires": datetime.fromtimestamp(login.expires_at, UTC).isoformat(timespec="seconds"),
        "expired": login.left(now) <= 0,
        "renewable": bool(login.refresh_token),
    }


def lines_of(settings: LoginSettings, place: str, login: Credentials | None, now: float) -> Iterator[str]:
    if settings.enabled:
        yield f"the gateway is {_shown(settings.gateway)}"
    else:
        yield "nothing connects to anywhere: VOICEMODE_CONNECT_ENABLED is false"
    if settings.token:
        yield "you are known by VOICEMODE_CONNECT_TOKEN, which goes before a login"
    if login is None:
        if not settings.token:
            yield "nobody is signed in: voicemode connect login"
        return
    yield f"{login.name or 'somebody'} is signed in by {login.issuer}, which is kept in {place}"
    if login.issuer != settings.issuer:
        yield f"that is of no use now, as VOICEMODE_CONNECT_ISSUER is {settings.issuer}: voicemode connect login"
        return
    until = datetime.fromtimestamp(login.expires_at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if login.refresh_token:
        yield f"the token is good until {until} and renewed whenever it is needed"
    elif login.left(now) > 0:
        yield f"the token is good until {until} and cannot be renewed"
    else:
        yield f"the token was good until {until} and cannot be renewed: voicemode connect login"


def _shown(address: str) -> str:
    """Without a user, a password or a token in it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
