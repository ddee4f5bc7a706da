"""What commands do where their options are not given.  In: what is configured.  Out: click's defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from ..config import Configuration, settings_of, survey
from ..config.assemble import effective
from ..config.table import SETTINGS, Setting
from ..settings import Settings
from .options import OnlyIfNamed

OF_CHAT = ("--llm-url", "--llm-model", "--system")
OTHER_AGENTS = ("agent_command", "agent_path")


def here() -> Path | None:
    """The working directory, unless it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def home() -> Path | None:
    """Where ``~`` is, unless nobody knows."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def read_here() -> Configuration:
    """What is configured for this process, all of it found good.  Raises SettingsError."""
    configuration = survey_here()
    configuration.refuse()
    return configuration


def survey_here() -> Configuration:
    """The same, with what is wrong beside it."""
    return survey(environment=os.environ, directory=here(), home=home())


def configured() -> Settings:
    """What the running command does with the settings for which it has no option."""
    configuration = click.get_current_context().find_object(Configuration)
    return Settings() if configuration is None else settings_of(configuration)


def name_settings(command: click.Command) -> click.Command:
    """``command``, whose help now names the setting that an option takes its default from; so do those within it."""
    if isinstance(command, click.Group):
        for within in command.commands.values():
            name_settings(within)
    for setting, option in configurable(command):
        option.help = f"{option.help}  [{setting.name}]"
    return command


def defaults_of(command: click.Command, configuration: Configuration) -> dict[str, object]:
    """The ``default_map`` of ``command``; it leaves out what is not configured."""
    found: dict[str, object] = {}
    if isinstance(command, click.Group):
        found.update({name: defaults_of(within, configuration) for name, within in command.commands.items()})
    for setting, option in configurable(command):
        value = configuration.values[setting.name]
        if value.origin.layer != "default" and value.text:
            default = effective(value, configuration.home)
            found[str(option.name)] = _unless_another_agent(default) if setting.option in OF_CHAT else default
    return found


def configurable(command: click.Command) -> Iterator[tuple[Setting, click.Option]]:
    """The options of ``command`` that take their default from a setting."""
    options = [option for option in command.params if isinstance(option, click.Option)]
    for setting in SETTINGS.values():
        for option in options:
            if setting.option in option.opts and not isinstance(option, OnlyIfNamed):
                yield setting, option


def _unless_another_agent(default: object) -> Callable[[], object]:
    """Options that are given are there before the defaults of the others are asked for: click's order of callbacks."""

    def chosen() -> object:
        given = click.get_current_context().params
        return None if any(given.get(name) is not None for name in OTHER_AGENTS) else default

    return chosen
