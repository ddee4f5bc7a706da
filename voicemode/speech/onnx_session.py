"""A model's file goes in; a session of onnxruntime that keeps to one thread comes out."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from actors.errors import ProviderUnavailable


def open_session(model: Path, *, provider: str, called: str, remedy: str) -> Any:
    """Load ``model``, blocking.  Raises ProviderUnavailable for ``provider``.

    ``called`` is what people know it as ("voice detector"); ``remedy`` is a sentence on how to have the file.
    """
    # from 1.31 on it writes an identifier of the device into the user's cache and reports to its makers, on Linux too
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ImportError as error:
        raise ProviderUnavailable(
            provider,
            f"The {called} needs onnxruntime, which cannot be loaded ({error}). Reinstall voicemode with pip.",
        ) from error
    if not model.exists():
        raise ProviderUnavailable(
            provider, f"The model of the {called} is missing ({model.name}). {remedy}", code="no_model"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no base of their own
        raise ProviderUnavailable(
            provider, f"The model of the {called} cannot be read ({model.name}: {error}). {remedy}", code="no_model"
        ) from error
