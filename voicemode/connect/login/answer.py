"""What the provider sent the browser back with.  In: the query of the redirect.  Out: the code, if it is for us.

``state`` is compared in constant time; ``iss`` as in RFC 9207, so that no other provider's answer is taken for ours.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from ...speech.endpoint_faults import quoted
from .errors import LoginError
from .request import LoginRequest

MEANINGS: Mapping[str, str] = {
    "access_denied": "the sign-in was refused there, or given up",
    "invalid_scope": "it does not know what VOICEMODE_CONNECT_SCOPES asks for",
    "unauthorized_client": "it does not let VOICEMODE_CONNECT_CLIENT_ID sign anybody in this way",
    "invalid_request": "it does not understand the question",
    "unsupported_response_type": "it knows no sign-in by an authorization code",
    "server_error": "it met an error of its own, try again later",
    "temporarily_unavailable": "it has too much to do, try again later",
}


def belongs_to(query: str, request: LoginRequest) -> bool:
    """Whether it answers ``request``, and says so once."""
    states = [value for name, value in _members(query) if name == "state"]
    return len(states) == 1 and hmac.compare_digest(states[0].encode(), request.state.encode())


def refusal_without_state(query: str) -> str | None:
    """What a refusal means that does not say which sign-in it is for: it may be meant for ours, and ends none."""
    found = dict(_members(query))
    return None if "state" in found else MEANINGS.get(found.get("error", ""))


def code_in(query: str, request: LoginRequest) -> str:
    """The code of an answer that ``belongs_to`` the request.  Raises LoginError."""
    found = dict(_members(query))
    if len(found) < len(_members(query)):
        raise LoginError("The provider's answer says something twice, and is not believed. Try again.")
    issuer = request.provider.issuer
    if ("iss" in found or request.provider.names_itself) and found.get("iss") != issuer:
        raise LoginError(f"The answer does not come from {issuer}, and is not believed. Try again.")
    if "error" in found:
        error = found["error"]
        words = quoted(found.get("error_description", ""), (request.state, request.verifier))
        meaning = MEANINGS.get(error) or f"it says {quoted(error, ())}"
        raise LoginError(f"{issuer} signs nobody in: {meaning}{f' ({words})' if words else ''}.")
    if not found.get("code"):
        raise LoginError(f"The answer of {issuer} has no code in it. Try again.")
    return found["code"]


def pasted_code(text: str, request: LoginRequest) -> str:
    """The code in what somebody pasted: the whole address that the browser ended at, or the code alone, which the
    verifier alone then proves to be ours.  Raises LoginError."""
    text = text.strip()
    if "://" not in text:
        if not text or not text.isprintable() or " " in text or "=" in text.rstrip("="):
            raise LoginError("This is neither the address that the browser ended at nor a code. Copy all of it.")
        return text
    try:
        query = urlsplit(text).query
    except ValueError:
        query = ""
    if not belongs_to(query, request):
        raise LoginError("This address does not answer this sign-in. Copy the one that the browser ended at just now.")
    return code_in(query, request)


def _members(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return []
