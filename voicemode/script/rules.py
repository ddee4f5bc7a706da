"""What types alone do not say about a script: a file's data in, what is wrong with it out."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from actors.errors import SettingsError

from ..speech.registry import SPEECH_TO_TEXT, TEXT_TO_SPEECH
from ..text import speakable
from .complaints import Complaint
from .locate import Place
from .model import Expectation, ScriptFile, Step


def broken_rules(script: ScriptFile) -> Iterator[Complaint]:
    """Every rule that ``script`` breaks, from the first step to the last."""
    if not script.step:
        yield Complaint((), "There are no steps: a script has at least one [[step]].")
    yield from _of_engine(script.assistant.engine, "assistant", TEXT_TO_SPEECH)
    yield from _of_engine(script.user.engine, "user", TEXT_TO_SPEECH)
    yield from _of_engine(script.listening.engine, "listening", SPEECH_TO_TEXT)
    for index, step in enumerate(script.step):
        place: Place = ("step", index)
        yield from _of_speaker(step, place, has_agent=script.agent is not None)
        yield from _of_user(step, place)
        yield from _of_moment(step, place)
        yield from _of_expectation(step.expect, (*place, "expect"))


def _of_engine(name: str | None, table: str, engines: Collection[str]) -> Iterator[Complaint]:
    if name is not None and name not in engines:
        yield Complaint((table, "engine"), f"There is no engine {name!r} for this; there is {', '.join(engines)}.")


def _of_speaker(step: Step, place: Place, *, has_agent: bool) -> Iterator[Complaint]:
    if step.agent and step.assistant is not None:
        yield Complaint((*place, "agent"), "Either the assistant says a text or the agent answers; take one away.")
    if step.agent and not has_agent:
        yield Complaint((*place, "agent"), 'The script names no agent; add agent = "module:attribute" at its top.')
    if step.assistant is not None:
        yield from _of_text(step.assistant, (*place, "assistant"))


def _of_user(step: Step, place: Place) -> Iterator[Complaint]:
    if step.user is not None and step.user_audio is not None:
        yield Complaint((*place, "user_audio"), "The user says a text or is heard from a file; take one away.")
    if step.user is not None:
        yield from _of_text(step.user, (*place, "user"))
    if not step.listen:
        if step.user_speaks:
            key = "user" if step.user is not None else "user_audio"
            yield Complaint((*place, key), "Nobody listens in this step; take listen = false away.")
        elif not step.assistant_speaks:
            yield Complaint(place, "Nothing happens in this step: nobody speaks and nobody listens.")
        if step.phrases is not None:
            yield Complaint((*place, "phrases"), "Nobody listens in this step, so it has no use for phrases.")


def _of_moment(step: Step, place: Place) -> Iterator[Complaint]:
    if step.when != "after":
        if not step.user_speaks:
            yield Complaint((*place, "when"), "when is about what the user says, and they say nothing in this step.")
        elif not step.assistant_speaks:
            yield Complaint((*place, "when"), "The assistant says nothing in this step that the user could cut into.")
        if step.delay is not None:
            yield Complaint((*place, "delay"), "delay is for an answer; with a number for when, add it to that.")
    elif step.delay is not None and not step.user_speaks:
        yield Complaint((*place, "delay"), "delay is about what the user says, and they say nothing in this step.")


def _of_expectation(expect: Expectation, place: Place) -> Iterator[Complaint]:
    if expect.word_error is not None and expect.transcript is None:
        yield Complaint((*place, "word_error"), "word_error needs the transcript it is measured against.")
    if expect.heard_words is not None and expect.heard_words[0] > expect.heard_words[1]:
        yield Complaint((*place, "heard_words"), "heard_words is the least and the most, in this order.")


def _of_text(text: str, place: Place) -> Iterator[Complaint]:
    try:
        speakable(text)
    except SettingsError as error:
        yield Complaint(place, str(error))
