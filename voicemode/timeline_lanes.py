"""Draws a story, one lane an actor.  In: what happened, and the two voices.  Out: a sheet full of lanes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from actors.events import BargedIn

from .timeline_sheet import INK, NOTE, Sheet, inches, printable
from .timeline_story import Speaking, Story
from .timeline_text import Label
from .timeline_track import Track

USER, ASSISTANT, ALARM = "#2563a8", "#c9581b", "#c81e4a"
MICROPHONE, SPEECH, RECORDER, TRANSCRIBER, STREAMER = "#7b8794", "#2f8f5b", "#6f56b5", "#9c3587", "#a8801a"
UNHEARD = "#a9b2bc"
STATES = {"speaking": "#f3c3a2", "listening": "#dce7f3", "hearing": "#93bde6", "transcribing": "#d9a7cf"}

FLOOR = -70.0
"""dBFS at the bottom of the level curve; the top is full scale."""


def draw_lanes(sheet: Sheet, story: Story, user: Track | None, assistant: Track | None) -> None:
    """Fill ``sheet`` with everything in ``story`` and the two voices, where they are known."""
    _dialogue(sheet, story, assistant)
    if user is not None:
        _voice(sheet, user)
    _microphone(sheet, story)
    _speech(sheet, story)
    _recorder(sheet, story)
    _transcriber(sheet, story)
    _streamer(sheet, story)
    _player(sheet, story, assistant)
    for turn in story.turns:
        sheet.line(turn.begin, UNHEARD, "-")
    for barge in story.barges:
        silent = silence_after(story, barge, assistant)
        sheet.mark(sheet.x(barge.began), 0.0, sheet.x(silent) - sheet.x(barge.began), sheet.y, ALARM, alpha=0.09)
        sheet.line(barge.began, ALARM, ":")
        sheet.line(silent, ALARM, "-")


def silence_after(story: Story, barge: BargedIn, assistant: Track | None) -> float:
    """When the assistant fell silent for ``barge``: the later of its being held, or else of the player's account, and
    of the last sample that is not zero, because a device goes on for the quantum it has taken."""
    told = next((story.until(spoken) for spoken in story.speaking if spoken.turn == barge.turn), story.end)
    held = [span for span in story.held if span.turn == barge.turn and span.begin <= barge.at <= story.until(span)]
    told = held[-1].begin if held else told
    return told if assistant is None else max(told, assistant.sounds_until(told + 0.1))


def sounding(story: Story, speaking: Speaking) -> Iterator[tuple[float, float]]:
    """From when until when the assistant was not held while it was ``speaking``."""
    begin = speaking.begin
    for held in story.held:
        if held.turn == speaking.turn and speaking.begin <= held.begin < story.until(speaking):
            yield begin, held.begin
            begin = story.until(held)
    if begin < story.until(speaking):
        yield begin, story.until(speaking)


def _dialogue(sheet: Sheet, story: Story, assistant: Track | None) -> None:
    sheet.lane("dialogue", "state of the turn", INK)
    for span in story.states:
        begin, end = span.begin, story.until(span)
        sheet.bar(begin, end, 0.22, STATES[span.label])
        if inches(span.label) + 0.1 < sheet.x(end) - sheet.x(begin):
            middle = (sheet.x(begin) + sheet.x(end)) / 2
            sheet.write(middle, sheet.y + 0.15, span.label, INK, ha="center")
    sheet.y += 0.25
    labels: list[Label] = []
    for turn in story.turns:
        x = sheet.x(turn.begin)
        outcome = f"turn {turn.turn} · {turn.result.outcome.replace('_', ' ')}" if turn.result else f"turn {turn.turn}"
        labels.append(Label.of(x, (outcome, NOTE)))
    for barge in story.barges:
        silent = silence_after(story, barge, assistant)
        note = f"barge-in: silent {1000 * (silent - barge.began):.0f} ms after the user began"
        labels.append(Label.of(sheet.x(silent) + 0.05, (note, ALARM)))
    sheet.labels(labels)
    sheet.end_lane()


def _voice(sheet: Sheet, user: Track) -> None:
    sheet.lane("user", "what they say", USER)
    sheet.waveform(user.pcm, user.rate, user.start, 0.5, USER)
    sheet.y += 0.5
    sheet.end_lane()


def _microphone(sheet: Sheet, story: Story) -> None:
    sheet.lane("microphone", "open", MICROPHONE)
    sheet.y += 0.08
    for span in story.open:
        sheet.bar(span.begin, story.until(span), 0.16, MICROPHONE)
    sheet.end_lane()


def _speech(sheet: Sheet, story: Story) -> None:
    sheet.lane("speech detector", "probability (area), level (line)", SPEECH)
    if story.activity:
        windows = story.activity
        times = np.array([window.at - window.duration / 2 for window in windows])
        likely = np.array([window.probability for window in windows])
        loud = np.array([1 - max(window.level, FLOOR) / FLOOR for window in windows])
        late = np.flatnonzero(np.diff(times) > 2 * windows[0].duration) + 1
        gap = np.full(len(late), np.nan)
        times = np.insert(times, late, times[late - 1])
        sheet.area(times, np.insert(likely, late, gap), 0.42, SPEECH)
        sheet.curve(times, np.insert(loud, late, gap), 0.42, NOTE)
    sheet.y += 0.46
    labels: list[Label] = []
    for span in story.voiced:
        end = story.until(span)
        sheet.bar(span.begin, end, 0.1, SPEECH)
        if span.decided is not None:
            sheet.arrow(end, span.decided, 0.05, SPEECH)
            labels.append(Label.of(sheet.x(end), (f"endpoint {1000 * (span.decided - end):.0f} ms", NOTE)))
    sheet.y += 0.12
    sheet.labels(labels)
    sheet.end_lane()


def _recorder(sheet: Sheet, story: Story) -> None:
    sheet.lane("recorder", "utterances, with pre-roll", RECORDER)
    labels: list[Label] = []
    for utterance in story.utterances:
        sheet.bar(utterance.start, utterance.end, 0.16, RECORDER)
        note = f"utterance {utterance.number} · {utterance.end - utterance.start:.1f} s"
        labels.append(Label.of(sheet.x(utterance.start), (note, NOTE)))
    sheet.y += 0.19
    sheet.labels(labels)
    sheet.end_lane()


def _transcriber(sheet: Sheet, story: Story) -> None:
    sheet.lane("transcriber", "speech end → transcript", TRANSCRIBER)
    labels: list[Label] = []
    for span in story.understood:
        end = story.until(span)
        sheet.bar(span.begin, end, 0.16, TRANSCRIBER)
        x = sheet.x(span.begin)
        if span.spoken_until is not None:
            sheet.arrow(span.spoken_until, end, 0.08, TRANSCRIBER)
            x = sheet.x(span.spoken_until)
            labels.append(Label.of(x, (f"{1000 * (end - span.spoken_until):.0f} ms after the last word", NOTE)))
        labels.append(Label.of(x, (printable(span.label), INK)))
    sheet.y += 0.19
    sheet.labels(labels)
    sheet.end_lane()


def _streamer(sheet: Sheet, story: Story) -> None:
    sheet.lane("streamer", "text on its way to the voice", STREAMER)
    for piece in story.pieces:
        sheet.bar(piece.at, piece.at, 0.13, STREAMER)
    sheet.y += 0.16
    sheet.labels([Label.of(sheet.x(piece.at), (printable(piece.text), INK)) for piece in story.pieces])
    sheet.end_lane()


def _player(sheet: Sheet, story: Story, assistant: Track | None) -> None:
    sheet.lane("player", "what left the speaker", ASSISTANT)
    if assistant is not None:
        sheet.waveform(assistant.pcm, assistant.rate, assistant.start, 0.5, ASSISTANT)
        sheet.y += 0.5
    first = {turn.turn: turn.result.timings.first_sample_ms for turn in story.turns if turn.result is not None}
    labels: list[Label] = []
    for span in story.speaking:
        for begin, end in sounding(story, span):
            sheet.bar(begin, end, 0.07, ASSISTANT)
        x = sheet.x(span.begin)
        if (waited := first.get(span.turn)) is not None:
            labels.append(Label.of(x, (f"first sample {waited:.0f} ms", NOTE)))
        labels.append(Label.of(x, (printable(span.heard), INK), (printable(span.unheard), UNHEARD)))
    sheet.y += 0.1
    sheet.labels(labels)
    sheet.end_lane()
