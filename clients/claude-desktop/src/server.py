"""Where the host of the bundle begins: what the user filled in there, in; ``voicemode mcp`` out."""

from __future__ import annotations

import os

from voicemode.cli import main

# an empty value would be the default, whatever the user's own file says; some hosts leave the name of what has none
for name, value in list(os.environ.items()):
    if name.startswith(("VOICEMODE_", "OPENAI_")) and (not value or value.startswith("${user_config.")):
        del os.environ[name]

raise SystemExit(main(["mcp"]))
