"""What telemetry is made of: calls that begin and end, spans, and measured values; frozen, without behaviour.

Times are seconds on the Trio clock of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import field, frozen

from actors.messages import Service

from .catalogue import Metric

Value: TypeAlias = str | int | float | bool
Attributes: TypeAlias = Mapping[str, Value]

Kind: TypeAlias = Literal["agent", "speak", "engine"]
"""Of a call: the agent is asked, a sentence is said by whoever does it, or one engine is tried."""


@frozen(kw_only=True)
class CallBegan:
    """``number`` is the call's own, in one conversation; ``name`` is the agent's or the engine's.

    The same number again is a call whose question took its time, as an utterance does that is heard while it is being
    said: from now on its answer is waited for.
    """

    number: int
    at: float
    kind: Kind
    name: str
    service: Service | None = None
    text: str | None = field(default=None, repr=False)
    """What is to be said."""
    attributes: Attributes = field(factory=dict[str, Value])


@frozen(kw_only=True)
class CallAnswered:
    """The first of the answer is there."""

    number: int
    at: float
    name: str | None = None
    """Who answers, where several might have."""


@frozen(kw_only=True)
class CallEnded:
    """``error`` says in a word what went wrong, None if nothing did."""

    number: int
    at: float
    error: str | None = None
    cancelled: bool = False
    attributes: Attributes = field(factory=dict[str, Value])


Call: TypeAlias = CallBegan | CallAnswered | CallEnded


@frozen(kw_only=True)
class Span:
    """``key`` counts the spans of a turn from 0, its own; parents stand before their children, and hold them.

    ``call`` is the number of the agent's call that it is.
    """

    key: int
    parent: int | None
    name: str
    begin: float
    end: float
    error: str | None = None
    attributes: Attributes = field(factory=dict[str, Value])
    call: int | None = None


@frozen
class Measured:
    """``value`` in the metric's unit; ``attributes`` are pairs in the order of their names."""

    metric: Metric
    value: float
    attributes: tuple[tuple[str, Value], ...] = ()


def measured(metric: Metric, value: float, **attributes: Value | None) -> Measured:
    """Names are written with two underscores for a full stop; what is None is left out."""
    pairs = ((name.replace("__", "."), value) for name, value in attributes.items() if value is not None)
    return Measured(metric, value, tuple(sorted(pairs)))
