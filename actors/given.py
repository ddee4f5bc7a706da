"""What programs that are not ours give.  In: a value, and who gave it.  Out: the same value, or a TypeError that tells
its author what is due."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Coroutine
from inspect import isawaitable
from typing import TypeVar, cast

T = TypeVar("T")


def given(value: T, kinds: type[object] | tuple[type[object], ...], who: str, due: str) -> T:
    """``value``, which is of one of ``kinds``; ``due`` are words for that."""
    if isinstance(value, kinds):
        return value
    raise TypeError(f"{who} gave {called(value)}, and what is due is {due}.")


def to_await(value: Awaitable[T], who: str) -> Awaitable[T]:
    """``value``, which an async function has returned."""
    if isawaitable(value):
        return value
    raise TypeError(f"{who} gave {called(value)} at once, and what is due is something to await: make it an async def.")


def to_iterate(value: AsyncIterable[T], who: str) -> AsyncIterable[T]:
    """``value``, which an async generator function has returned."""
    found = cast("object", value)
    if isinstance(found, AsyncIterable):
        return value
    if isinstance(found, Coroutine):
        found.close()
    raise TypeError(f"{who} gave {called(value)}, and what is due is a stream: make it an async def that yields.")


def pcm_given(value: bytes, who: str) -> bytes:
    """``value``, which is sound."""
    found = cast("object", value)
    if isinstance(found, bytes):
        return value
    if isinstance(found, bytearray):
        return bytes(found)
    if isinstance(found, memoryview):
        return found.tobytes()
    raise TypeError(
        f"{who} gave {called(value)}, and what is due is sound as bytes: of an array of 16-bit integers, its tobytes()."
    )


def likelihood_given(value: float, who: str) -> float:
    """``value``, which is a number from 0 to 1.  Raises ValueError for another."""
    # not only float: what models compute is often of a width of its own
    if not hasattr(value, "__float__"):
        raise TypeError(f"{who} gave {called(value)}, and what is due is a float from 0 to 1.")
    likely = float(value)
    if 0.0 <= likely <= 1.0:
        return likely
    raise ValueError(f"{who} gave {likely:g}, which is not from 0 to 1.")


def called(value: object) -> str:
    """Words for the kind of ``value``, which may be something that nobody else shall read."""
    kind = type(value).__name__
    if value is None or kind == "bytes":
        return "None" if value is None else kind
    return f"{'an' if kind[0] in 'aeioAEIO' else 'a'} {kind}"
