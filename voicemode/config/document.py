"""The table of settings as text: the template of a file of settings, and the table in docs/configuration.md."""

from __future__ import annotations

import textwrap
from pathlib import Path

from .env_file import quoted
from .table import SETTINGS, Setting

BEGIN, END = "<!-- settings: python -m voicemode.config FILE writes them anew -->", "<!-- end of settings -->"

_HEAD = """\
# Settings of voicemode.  An option of a command goes before the environment, that before the nearest .voicemode.env
# of a project, that before ~/.voicemode/voicemode.env, and that before the defaults, which are shown here.
#
# Take the # and the blank away from a line to set it.  Lines are NAME=VALUE; quote a value with blanks or with a #.
# Nothing is executed or expanded.  An empty value is the default.
"""


def template() -> str:
    """A file in which everything is explained and nothing is set."""
    return "\n".join([_HEAD, *map(_commented, SETTINGS.values())])


def _commented(setting: Setting) -> str:
    doc = textwrap.wrap(setting.doc, 118, initial_indent="# ", subsequent_indent="# ")
    wanted = textwrap.wrap(f"({setting.kind.wanted})", 118, initial_indent="# ", subsequent_indent="# ")
    default = quoted(setting.default) if setting.default else ""
    return "\n".join([*doc, *wanted, f"# {setting.name}={default}", ""])


def table() -> str:
    """In Markdown."""
    rows = ["| setting | option | what to write | default | what it is for |", "|---|---|---|---|---|"]
    for setting in SETTINGS.values():
        option = f"`{setting.option}`" if setting.option else ""
        default = f"`{setting.default}`" if setting.default else ""
        rows.append(f"| `{setting.name}` | {option} | {setting.kind.wanted} | {default} | {setting.doc} |")
    return "\n".join(rows)


def with_table(page: str) -> str:
    """``page`` with the table as it is now between its two marks.  Raises ValueError when it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("there are no marks for the settings")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def write_table(path: Path) -> None:
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
