"""What the gateway counts, as Prometheus reads it: numbers of connections and messages, nothing of what is in them."""

from __future__ import annotations

from attrs import asdict, define


@define
class Counters:
    """Since the start."""

    connections_opened: int = 0
    connections_refused: int = 0
    connections_too_slow: int = 0
    frames_received: int = 0
    frames_sent: int = 0
    frames_dropped: int = 0
    frames_refused: int = 0
    messages_delivered: int = 0
    messages_queued: int = 0
    messages_offline: int = 0
    tokens_refused: int = 0


def exposition(counters: Counters, gauges: dict[str, int]) -> str:
    """The text format of Prometheus, version 0.0.4."""
    lines: list[str] = []
    for kind, values in (("counter", asdict(counters)), ("gauge", gauges)):
        for name, value in values.items():
            full = f"voicemode_gateway_{name}{'_total' if kind == 'counter' else ''}"
            lines += [f"# TYPE {full} {kind}", f"{full} {value}"]
    return "\n".join(lines) + "\n"
