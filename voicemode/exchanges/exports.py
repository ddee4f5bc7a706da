"""Exchanges for other programs and for people.  In: exchanges, oldest first.  Out: a text in the form asked for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import PurePath
from urllib.parse import quote

import msgspec

from .exchange import Exchange, Side

WHO: Mapping[Side, str] = {"stt": "user", "tts": "assistant"}

COLUMNS = "timestamp conversation_id who text not_heard project_path provider duration_ms audio_file".split()

_PAGE = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>Conversations</title>
<style>
body { font-family: sans-serif; line-height: 1.4; max-width: 45em; margin: 2em auto; padding: 0 1em; }
h2 { font-size: 1em; margin-top: 2em; }
time { color: #666; font-size: 0.8em; }
.user { margin-left: 3em; }
.unheard { color: #999; }
</style>
</head>
<body>
"""


def as_json(exchanges: Sequence[Exchange]) -> str:
    """An array of exchanges as they were written."""
    lines = ",\n".join(msgspec.json.encode(exchange).decode() for exchange in exchanges)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def as_csv(exchanges: Sequence[Exchange]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerow(COLUMNS)
    for exchange in exchanges:
        table.writerow(
            (
                exchange.at.isoformat(timespec="milliseconds"),
                exchange.conversation_id,
                WHO[exchange.type],
                exchange.text,
                exchange.unheard,
                exchange.project_path,
                exchange.provider,
                None if exchange.duration_ms is None else round(exchange.duration_ms),
                exchange.audio_file,
            )
        )
    return text.getvalue()


def as_markdown(exchanges: Sequence[Exchange]) -> str:
    parts = ["# Conversations\n"]
    for name, said in conversations(exchanges):
        parts.append(f"\n## {_plain(_heading(name, said[0]))}\n")
        for exchange in said:
            unheard = f" *[not heard: {_plain(exchange.unheard)}]*" if exchange.unheard else ""
            text = f"{_plain(exchange.text)}{unheard}{_link(exchange)}"
            parts.append(f"\n**{WHO[exchange.type]}** ({exchange.at:%H:%M:%S}): {text}\n")
    return "".join(parts)


def as_html(exchanges: Sequence[Exchange]) -> str:
    """One page that needs nothing else."""
    parts = [_PAGE]
    for name, said in conversations(exchanges):
        parts.append(f"<h2>{escape(_heading(name, said[0]))}</h2>\n")
        for exchange in said:
            unheard = f' <span class="unheard">{escape(exchange.unheard)}</span>' if exchange.unheard else ""
            time = f'<time datetime="{exchange.at.isoformat(timespec="seconds")}">{exchange.at:%H:%M:%S}</time>'
            parts.append(
                f'<p class="{WHO[exchange.type]}">{time} {escape(exchange.text)}{unheard}{_player(exchange)}</p>\n'
            )
    return "".join([*parts, "</body>\n</html>\n"])


FORMS: Mapping[str, Callable[[Sequence[Exchange]], str]] = {
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "html": as_html,
}


def conversations(exchanges: Sequence[Exchange]) -> list[tuple[str, list[Exchange]]]:
    """Each with what was said in it, in the order they began."""
    began: dict[str, int] = {}
    for place, exchange in enumerate(exchanges):
        began.setdefault(exchange.conversation_id, place)
    ordered = sorted(exchanges, key=lambda exchange: began[exchange.conversation_id])
    return [(name, list(said)) for name, said in groupby(ordered, key=lambda exchange: exchange.conversation_id)]


def _heading(name: str, first: Exchange) -> str:
    return ", ".join(part for part in (f"{first.at:%Y-%m-%d %H:%M}", name, first.project_path) if part)


def _beside(exchange: Exchange) -> str:
    """The address of its sound, where that goes along."""
    name = exchange.audio_file
    return "" if name is None or PurePath(name).is_absolute() else quote(name)


def _link(exchange: Exchange) -> str:
    return f" [sound]({address})" if (address := _beside(exchange)) else ""


def _player(exchange: Exchange) -> str:
    address = escape(_beside(exchange))
    return f'<br><audio controls preload="none" src="{address}"></audio>' if address else ""


def _plain(text: str) -> str:
    """``text`` on one line, without what Markdown would take for more than text."""
    return re.sub(r"([\\`*_{}\[\]<>()#|~])", r"\\\1", " ".join(text.split()))
