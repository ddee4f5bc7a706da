"""Configuration: the environment and files of settings in, ``Settings`` and where each value came from out.

Nothing here looks at the process's own environment, directory or home: who embeds the library says which are meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..settings import Settings
from .assemble import settings_of as settings_of
from .configuration import Configuration as Configuration, Origin as Origin, Value as Value
from .layers import read_configuration as read_configuration, survey as survey


def load_settings(
    *, environment: Mapping[str, str], directory: Path | None = None, home: Path | None = None
) -> Settings:
    """What ``environment``, the nearest project's file from ``directory`` upwards and the file in ``home`` ask for.

    Without a ``directory`` no project is looked for, without a ``home`` no user's file is read.  Logs what has no
    effect; raises SettingsError with file and line, also for a key in a file that others can reach.  It reads up to two
    files, so call it before the event loop or in a thread.
    """
    configuration = survey(environment=environment, directory=directory, home=home)
    configuration.warn()
    configuration.refuse()
    return settings_of(configuration)
