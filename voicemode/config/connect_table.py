"""The settings of Connect: whether agents can be reached from elsewhere, by which gateway, and as whom.

They stand in ``table`` with all others.  A project's file decides none that opens a way out or names the other end.
"""

from __future__ import annotations

from .kinds import GATEWAY, LIST, SECRET, SWITCH, TEXT, choice
from .setting import ANY, YES, Setting

CONNECT = (
    Setting(
        "VOICEMODE_CONNECT_ENABLED",
        SWITCH,
        "false",
        "Whether agents may be reached by way of a gateway; without it nothing connects.",
        theirs=YES,
    ),
    Setting(
        "VOICEMODE_CONNECT_WS_URL",
        GATEWAY,
        "wss://voicemode.dev/ws",
        "The gateway's address; of one of your own, voicemode gateway prints it.",
        theirs=ANY,
    ),
    Setting("VOICEMODE_CONNECT_HOST", TEXT, "", "What this machine is called there; by default its own name."),
    Setting(
        "VOICEMODE_CONNECT_USERS",
        LIST,
        "",
        "The users that are announced, with commas between them; by default all.",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_CONNECT_TOKEN",
        SECRET,
        "",
        "What a gateway of your own knows you by, instead of a login.",
    ),
    Setting(
        "VOICEMODE_CONNECT_ISSUER",
        TEXT,
        "https://dev-2q681p5hobd1dtmm.us.auth0.com/",
        "Who signs you in: the address of an OpenID provider.",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_CONNECT_CLIENT_ID",
        TEXT,
        "",
        "What this program is called there, as the provider registered it.",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_CONNECT_AUDIENCE",
        TEXT,
        "https://voicemode.dev/api",
        "What the login is for; some providers want none.",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_CONNECT_SCOPES",
        TEXT,
        "openid profile email offline_access",
        "What the login asks for.",
        theirs=ANY,
    ),
    Setting(
        "VOICEMODE_CREDENTIAL_STORE",
        choice(("file", "keyring")),
        "file",
        "Where a login is kept: in a file that only you can read, or in the system's keyring.",
        theirs=ANY,
    ),
    Setting("VOICEMODE_AGENT_NAME", TEXT, "", "What the agent of this machine is called by those who write to it."),
    Setting("VOICEMODE_AGENT_PLATFORM", TEXT, "claude-code", "What kind of agent it is."),
    Setting(
        "VOICEMODE_AUTO_WAKEABLE",
        SWITCH,
        "false",
        "Whether the agent can be woken by messages as soon as it has registered its team; wants VOICEMODE_AGENT_NAME.",
        theirs=YES,
    ),
)
