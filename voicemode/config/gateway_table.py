"""The settings of a gateway of one's own: where it listens, whom it believes, what it keeps.

They stand in ``table`` with all others.  A project's file decides none of them: who runs a gateway opens a door.
"""

from __future__ import annotations

from .kinds import COUNT, FOLDER, LIST, PORT, SECRET, TEXT
from .setting import ANY, Setting

GATEWAY = (
    Setting(
        "VOICEMODE_GATEWAY_HOST",
        TEXT,
        "127.0.0.1",
        "Where voicemode gateway listens: a name or an address of this machine, 0.0.0.0 for all.",
        "--host",
        theirs=ANY,
    ),
    Setting("VOICEMODE_GATEWAY_PORT", PORT, "8790", "Its TCP port.", "--port", theirs=ANY),
    Setting(
        "VOICEMODE_GATEWAY_TOKENS",
        FOLDER,
        "",
        "A file of tokens that it believes, each in a line with its account behind it; only you may read it.",
        "--tokens",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_GATEWAY_ISSUER",
        TEXT,
        "",
        "Whose tokens it believes: the address of an OpenID provider.",
        "--issuer",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_GATEWAY_AUDIENCE",
        TEXT,
        "",
        "What those tokens have to be for.",
        "--audience",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_GATEWAY_QUEUE",
        FOLDER,
        "",
        "A file in which it keeps messages for agents that are not there; by default they are refused.",
        "--queue",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_GATEWAY_ORIGINS",
        LIST,
        "",
        "The web pages that may connect, as in https://example.com; by default those of anybody with a token.",
        "--origin",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_GATEWAY_REDIS",
        SECRET,
        "",
        "The Redis server by which it finds other gateways, as in redis://:password@127.0.0.1:6379/0.",
    ),
    Setting(
        "VOICEMODE_GATEWAY_CONNECTIONS",
        COUNT,
        "10000",
        "How many connections it takes.",
        "--connections",
        theirs=ANY,
    ),
)
