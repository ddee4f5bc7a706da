"""Days as they are typed.  In: ``2026-03-04``, ``today`` or ``yesterday``.  Out: the day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import click

AGO = {"today": 0, "yesterday": 1}


def day(_: click.Context, __: click.Parameter, value: str | None) -> date | None:
    """A callback of click's options.  Raises BadParameter."""
    if value is None:
        return None
    text = value.strip().lower()
    if text in AGO:
        return datetime.now().astimezone().date() - timedelta(days=AGO[text])
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no day; write one as in 2026-03-04, or today or yesterday.") from error
