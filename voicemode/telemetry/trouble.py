"""What is said when nobody takes what OpenTelemetry sends.  In: each time that goes wrong.  Out: one sentence.

The SDK's own exporters write a line or two for every attempt, and go on with that while the process would end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager

log = logging.getLogger(__name__)

UNTAKEN = (
    "The telemetry could not be handed to a collector, and some of it is lost: see that one is running where "
    "OTEL_EXPORTER_OTLP_ENDPOINT says (http://localhost:4318 where it says nothing) and takes it, or set "
    "VOICEMODE_TELEMETRY to none."
)


class Trouble:
    """Told of from any thread, and said once."""

    def __init__(self) -> None:
        self._telling = threading.Lock()
        self._told = False

    def tell(self) -> None:
        with self._telling:
            told, self._told = self._told, True
        if not told:
            log.warning(UNTAKEN)


class _Ours(logging.Filter):
    """Keeps back what the SDK says in a thread while that sends for us; who listens for DEBUG hears it all."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  logging's
        return not getattr(self.thread, "sending", False) or log.isEnabledFor(logging.DEBUG)


_ours = _Ours()


@contextmanager
def in_our_words(loggers: Iterable[str]) -> Generator[None]:
    """Inside, in this thread, these loggers are silent; those of a host's own exporters are not."""
    for name in loggers:
        logging.getLogger(name).addFilter(_ours)
    before = getattr(_ours.thread, "sending", False)
    _ours.thread.sending = True
    try:
        yield
    finally:
        _ours.thread.sending = before
