"""What the server does not need is not imported for it; in processes of their own, because the tests have loaded it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("cryptography", "httpx2", "mcp.client", "rich")

SERVING = "from voicemode.mcp import lean; serve = lean.load_server(); import httpx, sys; "


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_server_is_there_without_what_its_packages_would_bring_along() -> None:
    asked = f"print(serve.__module__, [name for name in {HEAVY!r} if name in sys.modules])"
    assert python(SERVING + asked).strip() == "voicemode.mcp.server []"


def test_an_sdk_that_needs_its_front_door_gets_it() -> None:
    """``mcp_types`` stands in for a package that cannot do without."""
    unsuited = SERVING.replace("serve =", "lean.BARE = (*lean.BARE, 'mcp_types'); serve =")
    asked = "import mcp, mcp_types; print(serve.__module__, hasattr(mcp, 'ClientSession'), hasattr(mcp_types, 'Tool'))"
    assert python(unsuited + asked).strip() == ("voicemode.mcp.server True True")
