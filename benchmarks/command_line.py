"""What all benchmarks understand on their command lines, and numbers that make sense there."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def command_line(benchmark: str) -> argparse.ArgumentParser:
    """A benchmark adds options of its own."""
    parser = argparse.ArgumentParser(description=f"Benchmark {benchmark}: see docs/benchmarks.md.")
    parser.add_argument("--smoke", action="store_true", help="few repetitions: does it still run?")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def positive(kind: type[Number]) -> Callable[[str], Number]:
    """For ``add_argument(type=…)``: an int or a float above 0."""

    def number(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            value = kind(0)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is no {'whole ' if kind is int else ''}number above 0")
        return value

    return number
