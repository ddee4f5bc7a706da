"""What ALSA has to say, underruns above all, in; lines of the log instead of lines across the terminal out."""

from __future__ import annotations

import ctypes
import logging
import sys

log = logging.getLogger(__name__)

# snd_lib_error_handler_t of alsa/error.h: file, line, function, error, format and its arguments, which are left out
_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)


def _heard(_file: bytes, _line: int, function: bytes, _error: int, message: bytes) -> None:
    log.debug("ALSA: %s: %s", (function or b"").decode(errors="replace"), (message or b"").decode(errors="replace"))


_handler = _HANDLER(_heard)


def send_to_log() -> None:
    """For the whole process, for as long as it lives.  Does nothing where there is no ALSA."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_handler)
        except (OSError, AttributeError):
            log.debug("no ALSA in this process")
