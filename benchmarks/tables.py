"""Several sides in one table: cells of text in, lines for a terminal or Markdown out."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

WIDE = 120
"""Columns of a terminal in which a row is one line; in a wider table what a row is about stands above its cells."""


@frozen(kw_only=True)
class Table:
    """``rows`` are as long as ``head``, and begin with what they are about; ``below`` are lines for the reader."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    below: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For a terminal."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        lines: list[str] = []
        for name, *cells in (self.head, *self.rows):
            there = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            if sum(widths) + 2 * len(widths) <= WIDE:
                lines.append(f"{name.ljust(widths[0])}  {there}".rstrip())
            else:
                lines += [name, f"    {there}".rstrip()] if name else [f"    {there}"]
        return "\n".join([*lines, *(["", *self.below] if self.below else [])])


def markdown_of(table: Table) -> str:
    """The table, and below it the lines as a list."""
    lines = [table.head, ("---", *["---:"] * (len(table.head) - 1)), *table.rows]
    cells = "\n".join(f"| {' | '.join(escaped(cell) for cell in line)} |" for line in lines)
    return "\n\n".join(part for part in (cells, listed(table.below)) if part)


def listed(lines: Sequence[str]) -> str:
    """As a list in Markdown; what is indented belongs to the line before."""
    return "\n".join(f"{line[: len(line) - len(line.lstrip())]}* {line.lstrip()}" for line in lines)


def escaped(cell: str) -> str:
    """What is indented in a table of text is in one of Markdown."""
    text = cell.lstrip(" ")
    return "&nbsp;" * (len(cell) - len(text)) + text.replace("|", "\\|")
