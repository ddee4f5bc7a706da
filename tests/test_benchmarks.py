from __future__ import annotations

import gc
import importlib
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.messages import Synthesis, WordTime
from actors.ring import Ring
from voicemode.audio.files import Sound

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("bench_*.py"))


@pytest.fixture(autouse=True)
def scripts_find_one_another() -> Iterator[None]:
    """Python puts a script's own directory first; what is imported from there is forgotten after the test."""
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(BENCHMARKS)):
            del sys.modules[name]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = importlib.import_module("report")
    machine = module.Machine(
        cores=2,
        cpu="abacus",
        system="None 1",
        python="3.11.0",
        packages={"trio": "1"},
        load=None,
        late=module.spread_of([0.1]),
    )
    monkeypatch.setattr(module, "this_machine", lambda: machine)
    return module


OPTIONS = {
    "bench_heard": ["--real"],
    "bench_listening": ["--minutes", "--echo"],
    "bench_mcp_peers": ["--only"],
    "bench_peers": ["--only"],
    "bench_sessions": ["--sessions", "--seconds", "--frame"],
    "bench_soak": ["--turns"],
    "bench_soak_live": ["--minutes"],
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_can_be_run_alone_and_says_all_it_understands(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert [each for each in ("--smoke", "--json", *OPTIONS.get(name, ())) if each not in said] == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("bench_sessions", ["--sessions", "0"]),
        ("bench_sessions", ["--sessions", "4", "-3"]),
        ("bench_sessions", ["--seconds", "0"]),
        ("bench_sessions", ["--seconds", "nan"]),
        ("bench_soak", ["--turns", "-1"]),
        ("bench_soak", ["--turns", "1.5"]),
        ("bench_soak_live", ["--minutes", "inf"]),
        ("bench_listening", ["--minutes", "-1"]),
        ("bench_heard", ["--real", "0"]),
        ("fuzz_gateway", ["--seconds", "0"]),
        ("run", ["--at-once", "0"]),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_anything_is_measured(
    name: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main(arguments)
    assert ended.value.code == 2
    assert f"{arguments[-1]} is no " in capsys.readouterr().err


class TestEnvironments:
    @pytest.fixture
    def environments(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
        module = importlib.import_module("environments")
        monkeypatch.setattr(module, "BUILD", tmp_path)
        return module

    def test_nothing_is_set_up_that_was_not_asked_for(
        self, environments: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for arguments, said in (([], "required: NAME"), (["nosuch"], "invalid choice: 'nosuch'")):
            with pytest.raises(SystemExit) as ended:
                environments.main(arguments)
            assert ended.value.code == 2
            assert said in capsys.readouterr().err

    def test_the_others_are_set_up_when_one_cannot_be_had(
        self, environments: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked: list[str] = []

        def make(name: str) -> None:
            asked.append(name)
            if name == "pipecat":
                raise subprocess.CalledProcessError(1, "pip")

        monkeypatch.setattr(environments, "make", make)
        assert environments.main(["all"]) == 1
        assert asked == ["livekit", "pipecat", "voice-mode", "whisper"]
        printed = capsys.readouterr()
        assert printed.out.startswith("To be made in ")
        assert "once, some 2,000 MB: livekit, pipecat, voice-mode, whisper." in printed.out
        assert "Cannot be installed here: pipecat." in printed.err
        assert "again: python benchmarks/environments.py pipecat" in printed.err

    def test_what_is_there_is_not_made_again(
        self, environments: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "livekit-venv").mkdir()
        (tmp_path / "livekit-venv" / ".ready").touch()
        assert environments.absent(["livekit", "pipecat"]) == ["pipecat"]
        assert environments.main(["livekit"]) == 0
        assert capsys.readouterr().out == ""


def test_all_benchmarks_are_run() -> None:
    assert sorted(f"bench_{name}" for name in importlib.import_module("run").BENCHMARKS) == SCRIPTS


def test_what_is_said_of_single_benchmarks_is_of_such_that_there_are() -> None:
    running, peers = importlib.import_module("run"), importlib.import_module("bench_peers")
    assert {*running.BESIDE, *running.SHORTER} <= {*running.BENCHMARKS}
    assert {name for names in running.BESIDE.values() for name in names} == {
        *importlib.import_module("environments").REQUIREMENTS
    }
    assert {*running.SHORTER["peers"][1:]} <= {*peers.PARTS}


def test_percentiles_of_a_hundred_and_one_values(report: ModuleType) -> None:
    spread = report.spread_of(reversed(range(101)))
    assert (spread.count, spread.p50, spread.p95, spread.p99, spread.max) == (101, 50, 95, 99, 100)


def test_percentiles_lie_between_the_two_nearest_values(report: ModuleType) -> None:
    spread = report.spread_of([0.0, 10.0])
    assert (spread.p50, spread.p95, spread.p99, spread.max) == pytest.approx((5.0, 9.5, 9.9, 10.0))


def test_one_value_is_all_of_its_percentiles(report: ModuleType) -> None:
    spread = report.spread_of([3.0])
    assert (spread.count, spread.p50, spread.p95, spread.p99, spread.max) == (1, 3.0, 3.0, 3.0, 3.0)


def test_nothing_measured_is_an_error(report: ModuleType) -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        report.spread_of([])


@pytest.mark.parametrize(
    ("values", "held", "broken"), [([4.0, 5.0], True, False), ([6.0, 49.0], False, False), ([51.0, 60.0], False, True)]
)
def test_only_what_is_far_beyond_its_budget_is_broken(
    report: ModuleType, values: list[float], held: bool, broken: bool
) -> None:
    figure = report.figure("wait", "ms", values, report.Budget(at_most=5, statistic="max"))
    assert (figure.held, figure.broken) == (held, broken)


def test_what_must_not_happen_is_broken_when_it_happens_once(report: ModuleType) -> None:
    figure = report.figure("leaks", "", [0.0] * 99 + [1.0], report.Budget(at_most=0, exact=True))
    assert figure.broken


def a_report(report: ModuleType, *values: float) -> Any:
    figures = (report.figure("wait", "ms", values, report.Budget(at_most=5, statistic="p99")),)
    findings = report.Findings(figures=figures, notes=("Note.",))
    return report.Report(benchmark="waiting", smoke=False, machine=report.this_machine(), findings=findings)


def test_a_report_is_the_same_after_json(report: ModuleType) -> None:
    there = a_report(report, 1.0, 2.0)
    assert msgspec.json.decode(msgspec.json.encode(there), type=report.Report) == there


def test_a_table_says_what_was_measured_and_where(report: ModuleType) -> None:
    head, columns, row, note, machine = str(a_report(report, 1.0, 1.0)).splitlines()
    assert head == "waiting"
    assert columns.split() == ["n", "p50", "p95", "p99", "max", "unit", "budget"]
    assert row.split() == ["wait", "2", "1", "1", "1", "1", "ms", "p99", "5", "held"]
    assert note == "Note."
    assert (
        machine
        == "2 cores of abacus, None 1, Python 3.11.0, trio 1; before: a sleep of 10 ms ends p50 0.1, p99 0.1 ms late"
    )


def test_a_section_of_markdown_has_the_table_and_the_notes(report: ModuleType) -> None:
    section = report.markdown(a_report(report, 1.0, 2.0)).split("\n\n")
    assert section[0] == "## waiting"
    assert section[1].splitlines()[-1] == "| wait | 2 | 1.5 | 1.95 | 1.99 | 2 | ms | p99 5 held |"
    assert section[2:] == ["Note."]


def test_a_table_of_all_sides_is_the_last_one_reads_and_the_first_in_markdown(report: ModuleType) -> None:
    tables = importlib.import_module("tables")
    table = tables.Table(head=("", "ours", "a|b"), rows=(("wait", "1 ms", "2 ms"),), below=("Loses:", "  wait"))
    there = a_report(report, 1.0)
    there = evolve(there, findings=evolve(there.findings, table=table))
    assert str(there).splitlines()[-6:] == ["", "      ours   a|b", "wait  1 ms  2 ms", "", "Loses:", "  wait"]
    assert "p95" not in str(there)
    section = report.markdown(there).split("\n\n")
    assert section[1].splitlines() == ["|  | ours | a\\|b |", "| --- | ---: | ---: |", "| wait | 1 ms | 2 ms |"]
    assert section[2:4] == ["* Loses:\n  * wait", "Each side by itself:"]
    assert msgspec.json.decode(msgspec.json.encode(there), type=report.Report) == there


def test_in_a_wide_table_what_a_row_is_about_stands_above_it() -> None:
    tables = importlib.import_module("tables")
    table = tables.Table(head=("", "ours", "theirs"), rows=(("w" * 120, "1", "2"),))
    assert str(table).splitlines() == ["    ours  theirs", "w" * 120, "       1       2"]


def test_a_report_begins_with_what_failed_what_was_missed_and_where_we_lose(report: ModuleType) -> None:
    in_short = importlib.import_module("summary").in_short
    tables = importlib.import_module("tables")
    good, slow, broken = (evolve(a_report(report, value), benchmark=f"at_{value:g}") for value in (1.0, 7.0, 51.0))
    table = tables.Table(head=("",), rows=(), below=("Where we lose:", "  wait"))
    lost = evolve(good, benchmark="peers", findings=evolve(good.findings, table=table))
    assert in_short([good], []).split("\n\n")[1] == "* Nothing failed.\n* No budget was missed."
    assert in_short([good, slow, broken, lost], ["vad", "at_1"]).splitlines() == [
        "## In short",
        "",
        "* **Did not reach its end**: vad",
        "* **Did not reach its end**: at_1; what is below was found before",
        "* **Fails**:",
        "  * [at_51](#at_51): wait: 51 ms, at most 5",
        "* **Budgets missed**:",
        "  * [at_7](#at_7): wait: 7 ms, at most 5",
        "* [peers](#peers), side by side:",
        "  * Where we lose:",
        "    * wait",
    ]


def test_a_row_that_belongs_to_another_is_called_after_it_where_it_stands_alone(
    report: ModuleType,
) -> None:
    rows = [
        report.figure(what, "ms", [1.0]) for what in ("host free: underruns", "  silence", "memory", "  without aec")
    ]
    assert report.full_names(rows) == ["host free: underruns", "host free: silence", "memory", "memory: without aec"]


@pytest.mark.thorough
def test_what_was_found_is_kept_put_together_and_drawn(
    report: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    running = importlib.import_module("run")
    points = ((0.0, 1.0), (1.0, 2.0))
    curve = report.Curve(picture="going", what="memory", unit="MB", along="minutes", points=points, at_most=3.0)
    there = a_report(report, 1.0, 2.0)
    there = evolve(there, benchmark="turn", findings=evolve(there.findings, curves=(curve, curve)))
    asked: list[str] = []

    def result_of(benchmark: str, *, smoke: bool) -> Any:
        asked.append(benchmark)
        return evolve(there, benchmark=benchmark) if benchmark != "vad" else None

    monkeypatch.setattr(running, "result_of", result_of)
    monkeypatch.setattr(running, "FULL", tmp_path)
    assert running.main(["--only", "turn"]) == 0
    assert running.main(["--only", "vad", "turn", "stop", "--resume"]) == 1
    assert asked == ["turn", "stop", "vad"]
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "* **Did not reach its end**: vad\n" in text
    assert [line for line in text.splitlines() if line.startswith(("## ", "!"))] == [
        "## In short",
        "## turn",
        "![turn](turn-budgets.png)",
        "![turn](going-curves.png)",
        "## stop",
        "![stop](stop-budgets.png)",
        "![stop](going-curves.png)",
    ]
    assert len(msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=list[report.Report])) == 2
    assert (tmp_path / "going-curves.png").stat().st_size > 1_000


class TestManySessions:
    @pytest.fixture
    def sessions(self) -> ModuleType:
        return importlib.import_module("bench_sessions")

    def held(self, sessions: ModuleType, **given: Any) -> Any:
        given = {"dropped": 4, "judged": [1.0], "silent": [], "late": [0.1], **given}
        return sessions.Held(
            sessions=4, frames=815, turns=1, gaps=[], cpu=0.5, cpu_devices=0.1, memory=(1_000, 4_000), **given
        )

    def test_a_short_run_fails_for_no_lost_frame_and_a_whole_one_does(self, sessions: ModuleType) -> None:
        found = self.held(sessions, silent=[900.0])
        assert [each.what for each in sessions.figures_of(found, 2.0, smoke=True) if each.broken] == []
        assert [each.what for each in sessions.figures_of(found, 2.0, smoke=False) if each.broken] == [
            "4 conversations: frames dropped of 819",
            "  interruption decided → silence",
        ]

    def test_a_note_says_what_was_tried(self, sessions: ModuleType) -> None:
        bad, good = self.held(sessions), self.held(sessions, dropped=0)
        lost = "4 of 819 frames are lost.  The one thread of the event loop would have more to do"
        for found, steps, said in (
            ([bad], 1, f"With 4, the only number tried, {lost}"),
            ([bad], 3, f"With 4, the first number tried, {lost}"),
            ([good, bad], 2, "Nothing is lost or late with 4 conversations."),
            ([good], 1, "Nothing is lost or late with 4 conversations, the only number tried."),
        ):
            assert sessions.notes_of(found, steps)[0].startswith(said)

    def test_where_nothing_was_measured_nothing_is_drawn(self, sessions: ModuleType) -> None:
        quiet, loud = self.held(sessions), evolve(self.held(sessions, silent=[12.0]), sessions=8)
        silence = "interruption decided → silence, p99"
        points = [each.points for each in sessions._curves([quiet, loud]) if each.what == silence]
        assert points == [((8, 12.0),)]
        assert silence not in [each.what for each in sessions._curves([quiet])]
        nothing = evolve(self.held(sessions, dropped=0, judged=[], late=[]), frames=0)
        assert sessions.notes_of([nothing], 1) == ["It was too short: no microphone had a frame to hand over."]
        assert "  event loop late" not in [each.what for each in sessions.figures_of(nothing, 2.0, smoke=True)]


def moments_of(values: list[float]) -> list[Any]:
    growth = importlib.import_module("growth")
    none = dict.fromkeys(("pss", "threads", "tasks", "blocks", "objects", "collections"), 0)
    return [growth.Moment(at=float(at), rss=value, files=int(value), **none) for at, value in enumerate(values)]


def test_growth_is_a_slope_with_a_confidence_and_without_the_beginning() -> None:
    growth = importlib.import_module("growth")
    noise = np.random.default_rng(1).normal(0, 1, 300)
    grown = growth.slope(moments_of([1_000.0] * 150 + [0.1 * at + noise[at] for at in range(150, 300)]), "rss")
    assert abs(grown.value - 0.1) < grown.sure < 0.01
    level = growth.slope(moments_of([50.0 + each for each in noise]), "rss")
    assert abs(level.value) < level.sure
    assert growth.slope(moments_of([1.0] * 20), "rss") is None
    assert growth.settled(moments_of([1.0])) == moments_of([1.0])


def test_what_comes_and_goes_is_no_growth() -> None:
    growth = importlib.import_module("growth")
    assert growth.more(moments_of([99.0, 98.0, 97.0, 96.0, 5.0, 9.0, 8.0, 5.0]), "files") == 0
    assert growth.more(moments_of([1.0, 1.0, 1.0, 1.0, 5.0, 7.0, 6.0, 7.0]), "files") == 1


def test_a_paced_microphone_tells_what_it_loses_and_where_a_sound_begins() -> None:
    devices = importlib.import_module("paced_devices")

    async def listen() -> None:
        pace = devices.Pace()
        microphone = devices.PacedMicrophone(pace, 3, lambda _: None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pace.keep)
            async with microphone.open(devices.RATE) as frames:
                microphone.place(b"\1\1" * 240, microphone.opened + 0.015)
                heard = [await anext(frames) for _ in range(4)]
                assert [frame.pcm.count(1) for frame in heard] == [160, 320, 0, 0]
                assert trio.current_time() == pytest.approx(heard[-1].end, abs=1e-6)
                await trio.sleep(0.5)
                late = await anext(frames)
                lost = late.start - heard[-1].end
                assert microphone.dropped == round(pace.frames_per_second * lost)
                assert lost == pytest.approx(0.5 - devices.KEPT)
            nursery.cancel_scope.cancel()

    trio.run(listen, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize(("value", "status"), [(1.0, 0), (7.0, 0), (51.0, 1)])
def test_the_exit_status_tells_broken_from_slow(
    report: ModuleType, capsys: pytest.CaptureFixture[str], value: float, status: int
) -> None:
    findings = a_report(report, value).findings
    asked: list[bool] = []

    def measure(smoke: bool) -> Any:
        asked.append(smoke)
        return findings

    assert report.run("waiting", measure, ["--smoke", "--json"]) == status
    assert asked == [True]
    printed = msgspec.json.decode(capsys.readouterr().out, type=report.Report)
    assert (printed.smoke, printed.findings) == (True, findings)


def test_queues_are_watched_only_as_long_as_asked_for() -> None:
    census = importlib.import_module("census")
    before: tuple[object, object] = trio.open_memory_channel, Ring[int].put_nowait
    with census.watching_queues() as seen:
        send, receive = trio.open_memory_channel[int](3)
        ring = Ring[int](2)
        for number in range(3):
            send.send_nowait(number)
            ring.put_nowait(number)
        seen.count()
        assert seen.still_open == 1
        receive.close()
        seen.count()
        assert seen.still_open == 0
    assert [(queue.capacity, queue.peak, queue.dropped) for queue in seen.queues.values()] == [(3, 3, 0), (2, 2, 1)]
    assert list(seen.queues) == ["test_benchmarks: send, receive", "test_benchmarks: ring"]
    assert (trio.open_memory_channel, Ring[int].put_nowait) == before


@pytest.mark.thorough
def test_a_few_turns_leave_nothing_behind() -> None:
    soak, census = importlib.import_module("bench_soak"), importlib.import_module("census")
    # the soak has Python look for garbage at each turn: in what it makes itself, not in all that is loaded
    gc.collect()
    gc.freeze()
    try:
        with census.watching_queues() as seen:
            findings = trio.run(soak.soak, 20, seen, clock=MockClock(autojump_threshold=0))
    finally:
        gc.unfreeze()
    assert [figure.what for figure in findings.figures if figure.broken] == []


class Ticker:
    """Three words of two samples each, a silent one between them."""

    name, rate = "ticker", 10

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        send, receive = trio.open_memory_channel[Synthesis](3)
        for number, start in enumerate((0, 4, 8)):
            word = WordTime(start=start, end=start + 3, begin=0.3 * number, finish=0.3 * number + 0.2)
            pcm = np.array([number + 1, number + 1, 0], "<i2").tobytes()
            send.send_nowait(Synthesis(pcm=pcm, rate=self.rate, words=(word,)))
        send.close()
        with receive:
            await trio.lowlevel.checkpoint()
            yield receive


async def test_a_recording_shows_how_much_of_the_speech_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    barge_in = importlib.import_module("bench_barge_in")
    monkeypatch.setattr(barge_in, "TEXT", "one two six")
    voice = barge_in.Tap(Ticker())
    async with voice.speak("one two six") as audio:
        assert len([part async for part in audio]) == 3
    recording = np.array([0, 0, 1, 0, 1, 0, 2, 2, 0, 0], "<i2")
    assert voice.recorded(recording) == (5, 6)
    assert voice.said(5) == "one two"
    assert voice.said(4) == "one"
    assert voice.said(9) == "one two six"
    with pytest.raises(RuntimeError, match="something else"):
        voice.recorded(np.array([1, 1, 9], "<i2"))


class Reader:
    """Says each word as a tenth of a second of sound, with as much silence between two."""

    name, rate = "reader", 24_000

    @asynccontextmanager
    async def speak(
        self, text: str, *, voice: str | None = None, speed: float | None = None
    ) -> AsyncGenerator[trio.MemoryReceiveChannel[Synthesis]]:
        send, receive = trio.open_memory_channel[Synthesis](50)
        with receive:
            for number, word in enumerate(re.finditer(r"\S+", text)):
                time = WordTime(start=word.start(), end=word.end(), begin=0.2 * number, finish=0.2 * number + 0.1)
                pcm = np.repeat(np.array([8_001, 0], "<i2"), 2_400).tobytes()
                send.send_nowait(Synthesis(pcm=pcm, rate=self.rate, words=(time,)))
            send.close()
            await trio.lowlevel.checkpoint()
            yield receive


async def test_words_that_are_lost_and_words_that_are_said_twice_are_told_by_their_marks() -> None:
    marked = importlib.import_module("marked_voice")
    voice, text = marked.MarkedVoice(Reader()), "One two three four."
    voice.begin(text)
    whole, words = await voice.say(text)
    assert [text[word.start : word.end] for word in words] == ["One", "two", "three", "four."]
    rest, _ = await voice.say("three four.")
    assert voice.strange == []

    def heard(pcm: bytes) -> tuple[int, int, int]:
        found = voice.heard(pcm)
        return found.lost, found.repeated, found.cut

    def until(seconds: float) -> bytes:
        return bytes(whole[: 2 * round(24_000 * seconds)])

    second, third = words[1], words[2]
    assert heard(whole) == (0, 0, 0)
    assert heard(until(third.begin) + rest) == (0, 0, 0)
    assert heard(until(third.begin + 0.05) + rest) == (0, 0, 1)
    assert heard(until(third.finish) + rest) == (0, 1, 0)
    assert heard(until(second.begin) + rest) == (1, 0, 0)
    assert heard(until(second.begin + 0.05) + rest) == (1, 0, 1)
    assert heard(b"") == (4, 0, 0)


async def test_a_text_that_is_no_rest_of_what_was_to_be_said_is_noticed() -> None:
    voice = importlib.import_module("marked_voice").MarkedVoice(Reader())
    voice.begin("One two three.")
    await voice.say("two three.")
    await voice.say("one, two, three.")
    assert voice.strange == ["one, two, three."]


def test_cases_of_faults_can_be_drawn_again() -> None:
    cases = importlib.import_module("faulty_cases")
    faults = importlib.import_module("fault_server").FAULTS
    drawn = [cases.Case.drawn(1, number) for number in range(1_000)]
    assert drawn == [cases.Case.drawn(1, number) for number in range(1_000)]
    assert {case.faults[0] for case in drawn} == set(faults)
    assert {case.faults[1] for case in drawn} == {None, *faults}
    assert cases.Case.drawn(2, 7) != drawn[7]


@pytest.mark.parametrize(
    ("received", "lost"), [(b"\1\0\2\0\3\0\4\0", 0), (b"\1\0\2\0\3\0", 0.25), (b"\1\0\2\0\3\0\5\0", 0.25), (b"", 1)]
)
def test_what_an_engine_was_not_given_of_an_utterance_is_lost(received: bytes, lost: float) -> None:
    sent = Sound(pcm=b"\1\0\2\0\3\0\4\0", rate=4)
    assert importlib.import_module("faulty_cases").lost_seconds(sent, received) == lost


async def test_a_stretch_of_the_voice_that_nobody_heard_is_missed_however_soft_the_rest_was() -> None:
    voice = importlib.import_module("interruptions.signed_voice").SignedVoice(1)
    async with voice.speak("Nobody had seen a light in the old house.") as audio:
        parts = [np.frombuffer(part.pcm, "<i2") async for part in audio]
    softer = [part // 4 if number % 2 else part for number, part in enumerate(parts)]
    again = [*softer[:5], *softer[3:]]
    assert voice.missing(np.concatenate(again)) == 0
    assert voice.missing(np.concatenate([*parts[:5], *parts[6:]])) == pytest.approx(sum(map(len, parts[5:])), abs=16)


def test_a_recording_tells_when_the_voice_became_softer_or_paused() -> None:
    recording = importlib.import_module("interruptions.talks").Recording()
    for at, level, count in ((1.0, 8_000, 80), (1.01, 8_000, 80), (1.02, -2_000, 80), (1.04, 8_000, 80)):
        recording.add(at, np.full(count, level, "<i2").tobytes(), 8_000)
    assert recording.softer_after(1.005) == pytest.approx(1.02)
    assert recording.softer_after(1.03) == pytest.approx(1.03)
    assert recording.softer_after(1.041) == pytest.approx(recording.end) == pytest.approx(1.05)


def test_noises_are_made_again_by_the_same_dice() -> None:
    noises = importlib.import_module("interruptions.sounds").NOISES
    for make in noises.values():
        first, second, other = (make(np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert np.array_equal(first, second)
        assert not np.array_equal(first[:100], other[:100])


class TestTurnTaking:
    """A voice until 2.0 s, with a pause from 1.0 to 1.8 s in it."""

    @pytest.fixture
    def judge(self) -> ModuleType:
        return importlib.import_module("turn_taking.judge")

    @pytest.fixture
    def policies(self) -> ModuleType:
        return importlib.import_module("turn_taking.policies")

    def turn(self) -> Any:
        turns = importlib.import_module("turn_taking.turns")
        setting = turns.Setting()
        return turns.Turn(
            name="it", source="human", speaker="she", setting=setting, said=(), pcm=b"", end=2.0, pauses=(0.8,)
        )

    def heard(self, judge: ModuleType, *texts: str | None, after: float = 0.1) -> list[Any]:
        pause = importlib.import_module("turn_taking.hearing").Pause
        pauses = (
            pause(ended=1.0, known=1.2, resumed=1.8, heard=b""),
            pause(ended=2.0, known=2.2, resumed=None, heard=b""),
        )
        return [
            judge.Evidence(pause=each, text=text, text_after=after) for each, text in zip(pauses, texts, strict=True)
        ]

    @pytest.mark.parametrize(
        ("pause", "cut", "delay", "transcript"),
        [(0.5, True, -0.5, -0.4), (0.9, False, 0.9, 1.0), (0.1, True, -0.8, -0.7)],
    )
    def test_a_fixed_pause_cuts_off_who_pauses_longer(
        self, judge: ModuleType, policies: ModuleType, pause: float, cut: bool, delay: float, transcript: float
    ) -> None:
        ending = judge.ending_of(
            self.turn(), self.heard(judge, "one", "two"), policies.Fixed(pause), policies.Pauses(), drafts=False
        )
        assert (ending.cut, ending.wasted) == (cut, 0)
        assert (ending.delay, ending.transcript) == pytest.approx((delay, transcript))

    @pytest.mark.parametrize(("after", "delay"), [(0.05, 0.3), (0.3, 0.5), (0.6, 0.8)])
    def test_words_are_waited_for_and_count_from_when_they_are_known(
        self, judge: ModuleType, policies: ModuleType, after: float, delay: float
    ) -> None:
        heard = self.heard(judge, "I want to", "Stop.", after=after)[1:]
        ours = policies.Ours(policies.TurnDelayPolicy(), words=True)
        ending = judge.ending_of(self.turn(), heard, ours, policies.Pauses(), drafts=True)
        assert ending.delay == pytest.approx(delay)

    def test_who_goes_on_is_waited_for_and_their_pause_is_remembered(
        self, judge: ModuleType, policies: ModuleType
    ) -> None:
        habits = policies.Pauses()
        ours = policies.Ours(policies.TurnDelayPolicy(), words=True)
        ending = judge.ending_of(self.turn(), self.heard(judge, "I want to", "Stop."), ours, habits, drafts=True)
        assert (ending.cut, ending.wasted, len(habits)) == (False, 1, 1)
        assert ending.delay == pytest.approx(0.3)

    def test_an_interval_holds_the_share_it_is_about(self, judge: ModuleType) -> None:
        assert judge.wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
        assert judge.wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)

    def test_how_well_ends_are_told_from_pauses(self) -> None:
        telling = importlib.import_module("turn_taking.telling")
        ends = [True, True, False, False]
        assert telling.separation([2.0, 1.0, 0.0, 0.0], ends) == 1.0
        assert telling.separation([1.0, 1.0, 1.0, 1.0], ends) == 0.5
        assert telling.separation([0.0, 2.0, 1.0, 1.0], ends) == 0.5
        assert telling.price([2.0, 1.0, 0.0, 1.5], ends) == 0.5

    def test_a_sentence_teaches_nothing_about_itself(self) -> None:
        telling = importlib.import_module("turn_taking.telling")

        turns = [evolve(self.turn(), name=name) for name in ("one", "two", "three")]
        many = [
            telling.Told(turn=turn, end=end, text="the red one", probability=probability)
            for turn in turns
            for end, probability in ((True, 0.9), (False, 0.1))
        ]
        scores = telling.combined(many)
        assert telling.separation(scores, [each.end for each in many]) == 1.0
        turned = [evolve(each, end=not each.end) if each.turn is turns[0] else each for each in many]
        assert telling.combined(turned)[0] == pytest.approx(scores[0])

    def test_turns_are_the_same_for_the_same_seed(self) -> None:
        recordings, turns = (
            importlib.import_module("turn_taking.recordings"),
            importlib.import_module("turn_taking.turns"),
        )
        tone = np.sin(np.arange(8_000) / 10).astype(np.float32)
        stretches = tuple(recordings.Stretch(samples=tone, text=text, starts=True) for text in ("one", "two"))
        sentence = recordings.Sentence(name="tone", speaker="fork", stretches=stretches, room=0.001)
        drawn = [next(turns.turns([sentence], "made", 1, seed)) for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]
        assert drawn[0].end == pytest.approx(turns.BEFORE + 1.0 + drawn[0].pauses[0], abs=0.001)
        assert [drawn[0].text_until(at) for at in (0, 1, 10)] == ["", "one", "one two"]

    def test_answers_are_kept_from_run_to_run(self, tmp_path: Path) -> None:
        kept = importlib.import_module("turn_taking.kept")
        kept.Kept(tmp_path, "ears").keep(b"sound", kept.Answer(seconds=1.0, text="word"))
        again = kept.Kept(tmp_path, "ears")
        assert again.get(b"sound") == kept.Answer(seconds=1.0, text="word")
        assert again.get(b"noise") is None

    def test_what_a_form_holds(self) -> None:
        form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b\r\n'
        file = b'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: audio/wav\r\n\r\n\0\r\n\xff'
        body = form + file + b"\r\n--b--\r\n"
        parts_of = importlib.import_module("whisper_server").parts_of
        assert parts_of("multipart/form-data; boundary=b", body) == ({"model": "whisper-1"}, b"\0\r\n\xff")


class TestPeers:
    """Two servers in one room."""

    @pytest.fixture
    def said(self) -> Any:
        """Three words of noise, a tenth of a second each."""
        sounds = importlib.import_module("peers.sounds")
        noise = np.random.default_rng(1).normal(0, 3_000, 3_000).astype(np.int16)
        words = tuple(sounds.Word(word, 0.1 * at, 0.1 * at + 0.1) for at, word in enumerate(("one", "two", "three")))
        return sounds.Said("one two three", 10_000, noise, words)

    @pytest.mark.parametrize(
        ("first", "last", "words"),
        [(0, 3_000, ["one", "two", "three"]), (1_000, 3_000, ["two", "three"]), (0, 1_900, ["one", "two"]), (0, 0, [])],
    )
    def test_the_words_of_which_the_sound_is_there_are_heard(
        self, said: Any, first: int, last: int, words: list[str]
    ) -> None:
        sounds = importlib.import_module("peers.sounds")
        heard = np.pad(said.samples[first:last] // 3, (700, 200))
        assert sounds.words_in(said, heard) == words

    def test_a_pause_before_a_word_moves_what_follows(self, said: Any) -> None:
        paused = said.with_pause(0.5, "two")
        assert [round(word.begin, 3) for word in paused.words] == [0.0, 0.6, 0.7]
        assert not paused.samples[1_000:6_000].any()

    def test_words_that_are_missing_in_an_answer(self, said: Any) -> None:
        missing_in = importlib.import_module("peers.contest").missing_in
        assert missing_in("Voice response: One, two three.", said) == 0
        assert missing_in("Three two.", said) == pytest.approx(2 / 3)

    async def test_a_tape_knows_when_its_samples_were_played(self, autojump_clock: MockClock) -> None:
        tape = importlib.import_module("peers.room").Tape(1_000)
        began = trio.current_time()
        loud, soft = b"\0\x40" * 100, bytes(200)

        async def play() -> None:
            for block in (soft, loud, soft, loud, *[soft] * 9):
                await trio.sleep(0.1)
                tape.add(block)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            await tape.reach(began)
            late = 0.01
            assert await tape.first_sound(began + 0.05) - began == pytest.approx(0.1 + late)
            assert await tape.silence(began + 0.12, 0.05) - began == pytest.approx(0.2 + late)
            assert await tape.silence(began + 0.05, 0.5) - began == pytest.approx(0.4 + late)
            assert await tape.silence(began + 0.45, 0.3) - began == pytest.approx(0.45)

    def test_a_line_tells_both_sides_and_what_one_did_instead(self) -> None:
        rows = importlib.import_module("peers.rows")
        row = rows.Row("answer", "ms", rows.Target(50))
        row.add("ours", 40)
        row.instead["theirs"] = "never stops"
        assert row.cells(["ours", "theirs"]) == ["answer", "40 ms", "never stops", "≤ 50 ms", "held"]
        row.add("ours", 80)
        assert row.cells(["ours", "theirs"])[1:5] == ["60, 79.6 ms", "never stops", "≤ 50 ms", "**missed**"]
        table = rows.table([row], ["ours", "theirs"])
        assert table.head == ("", "ours: p50, p99", "theirs: p50, p99", "target", "")
        assert table.below == ("Where we lose: nowhere.", "Where we miss our own target: answer.")

    def test_a_median_that_is_worse_than_theirs_is_a_loss(self) -> None:
        rows = importlib.import_module("peers.rows")
        slower, fewer = rows.Row("memory", "MB"), rows.Row("  understood", "%")
        for row, ours, theirs in ((slower, 3.0, 2.0), (fewer, 90.0, 100.0)):
            row.add("ours", ours)
            row.add("theirs", theirs)
        lost = "  memory: ours 3 MB, theirs 2 MB"
        assert rows.losses([slower, fewer], ["ours", "theirs"]) == ["Where we lose:", lost]
        fewer.more = True
        also = "  memory: understood: ours 90 %, theirs 100 %"
        assert rows.losses([slower, fewer], ["ours", "theirs"]) == ["Where we lose:", lost, also]
        assert rows.losses([slower], ["ours"]) == ["Compared with nobody: no peer was measured."]


class TestFrameworks:
    """The same work on several sides."""

    @pytest.fixture
    def world(self) -> ModuleType:
        return importlib.import_module("peers.world")

    @pytest.fixture
    def timelines(self) -> ModuleType:
        return importlib.import_module("peers.timelines")

    @pytest.fixture
    def clock(self, world: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        time = [100.0]
        monkeypatch.setattr(world, "now", lambda: time[0])
        return time

    def test_a_word_is_known_by_its_name_and_by_its_sound(self, world: ModuleType) -> None:
        assert [world.number_of(world.word(number)) for number in (0, 69, 70, 4_899)] == [0, 69, 70, 4_899]
        assert world.number_of("the") is world.number_of("printed") is None
        tokens = world.answer(2, 5, 3)
        assert "".join(tokens).count(".") == 2
        assert [number for number, _, _ in world.words_of("".join(tokens))] == [200, 201, 202, 203, 204]
        tape = world.Tape(lambda *_: None)
        tape.add(0.0, world.voice_of(7) + bytes(320) + world.voice_of(8)[:100])
        assert [(samples, number) for _, samples, number in tape.runs] == [(4_800, 7), (160, -1), (50, 8)]

    def test_a_device_plays_in_real_time_and_forgets_what_it_has_not_taken(
        self, world: ModuleType, clock: list[float]
    ) -> None:
        begun: list[tuple[int, float]] = []
        tape = world.Tape(lambda which, at: begun.append((which, at)))
        device = world.Device(tape)
        clock[0] += 0.004
        device.write(world.voice_of(0))
        clock[0] += 0.1
        assert device.queued() == pytest.approx(0.206, abs=1e-4)
        device.clear()
        clock[0] += 1.0
        assert device.played() == 1_600
        device.write(world.voice_of(world.ANSWER))
        clock[0] += 1.0
        device.played()
        assert [number for _, _, number in tape.runs] == [0, world.ANSWER]
        assert begun == [(0, pytest.approx(100.01)), (1, pytest.approx(101.11, abs=0.01))]

    def test_a_device_that_is_held_goes_on_where_it_was(self, world: ModuleType, clock: list[float]) -> None:
        tape = world.Tape(lambda *_: None)
        device = world.Device(tape)
        device.write(world.voice_of(3))
        clock[0] += 0.1
        device.hold()
        clock[0] += 5.0
        device.go_on()
        clock[0] += 5.0
        assert device.played() == 4_800
        assert [number for _, _, number in tape.runs] == [3, 3]

    def test_the_user_says_the_next_when_the_last_was_answered_or_nobody_answers(
        self, world: ModuleType, clock: list[float], tmp_path: Path
    ) -> None:
        (tmp_path / "clip").write_bytes(bytes(32_000))
        clip = {"path": str(tmp_path / "clip"), "words": []}
        job = {"clips": [clip], "says": [[0, 1.0], [0, 2.0], [0, 0.5]], "patience": 3.0, "tail": 1.0}
        stage = world.Stage(job)
        stage.begin()
        clock[0] = 101.5
        stage.tape.add(101.5, world.voice_of(0))  # an answer to half of it
        clock[0] = 103.0
        stage.tape.add(103.0, world.voice_of(world.ANSWER))
        clock[0] = 108.9
        assert not stage.over()
        clock[0] = 109.1
        assert not stage.over()
        assert [round(each[0], 1) for each in stage.events if each[1] == "user"] == [101.0, 105.0, 109.6]

    def test_what_was_heard_is_compared_with_what_was_played(self, timelines: ModuleType) -> None:
        word = round(timelines.WORD * timelines.RATE)
        runs = [(10.0, word, 0), (10.3, word, 1), (10.6, word // 4, 2), (13.0, word, 1)]
        report = {"events": [], "runs": runs, "believed": ["Baba  babi babo."]}
        assert timelines.credited(report, 0) == (1, 1)
        assert timelines.credited(report, 1) is None
        stopped, late = timelines.silence_after(report, 0, 10.1)
        assert (stopped, late) == (pytest.approx(10.675), pytest.approx(0.3))
        assert timelines.longest_gap(report, 0) == pytest.approx(2.325)
        assert timelines.repeated(report, 0) == [1]

    def test_a_turn_begins_with_the_user_and_has_the_last_call_of_the_agent(self, timelines: ModuleType) -> None:
        events = [
            [1.0, "user", 0, 2.0],
            [2.5, "agent", 0],
            [2.9, "agent", 1],
            [2.9, "transcript", "two words"],
            [3.0, "first text"],
            [3.2, "first sample", 1],
            [4.0, "user", 1, 5.0],
        ]
        first, second = timelines.turns_of({"events": events, "runs": [], "believed": []})
        assert (first.agent, first.text, first.sample, first.words) == (2.9, 3.0, 3.2, ("two", "words"))
        assert (second.begin, second.agent, second.words) == (4.0, None, ())
        assert timelines.missing(["one", "two", "two"], ("two",)) == ["one", "two"]

    def test_an_interval_of_a_median_needs_six_values(self) -> None:
        interval = importlib.import_module("peers.standings").interval
        assert interval([3.0, 1.0, 2.0]) == (1.0, 3.0)
        assert interval(range(6)) == (0, 5)
        assert interval(range(10)) == (1, 8)
        with pytest.raises(ValueError, match="nothing was measured"):
            interval([])

    def test_a_line_says_how_we_compare_to_the_best_of_the_others(self) -> None:
        standings = importlib.import_module("peers.standings")
        line = standings.Line("wait", "ms")
        for side, value in (("ours", 20.0), ("one", 10.0), ("other", 40.0)):
            line.add(side, value)
        assert line.verdict("ours", ["one", "other"]) == "2.00 **worse**"
        assert line.verdict("ours", ["other"]) == "0.50"
        for value in (5.0, 30.0):
            line.add("one", value)
        assert line.verdict("ours", ["one", "other"]) == "2.00 worse, within the intervals"
        assert line.verdict("ours", ["absent"]) == ""
        line.add("ours", -40.0)
        assert line.verdict("ours", ["one"]) == "−20 ms"
        line.cannot["absent"] = "cannot"
        table = standings.table([line], ["ours", "one", "absent"], ["one", "absent"])
        assert table.rows == (("wait", "ms", "−10 (−40 to 20)", "10 (5 to 30)", "cannot", "−20 ms"),)
        assert table.below == ("Where we lose: in none of 1 lines.",)
        lost = standings.Line("words lost", "words", total=True)
        lost.add("ours", 0, 8)
        lost.add("one", 2, 8)
        lost.add("one", 1, 8)
        assert [lost.cell("ours"), lost.cell("one"), lost.verdict("ours", ["one"])] == ["0 of 8", "3 of 16", "0.00"]

    def test_where_we_lose_is_said_plainly(self) -> None:
        standings = importlib.import_module("peers.standings")
        wins, loses, hardly, cannot, alone = (standings.Line(what, "ms") for what in ("a", "b", "c", "d", "e"))
        for line, ours, theirs in ((wins, [1.0], [2.0]), (loses, [3.0], [2.0]), (hardly, [2.0, 4.0], [1.0, 3.0])):
            for side, values in (("ours", ours), ("theirs", theirs)):
                for value in values:
                    line.add(side, value)
        cannot.cannot["ours"] = "has died"
        cannot.add("theirs", 5.0)
        alone.add("ours", 5.0)
        table = standings.table([wins, loses, hardly, cannot, alone], ["ours", "theirs"], ["theirs"], smoke=True)
        assert [row[-1] for row in table.rows] == [
            "0.50",
            "1.50 **worse**",
            "1.50 worse, within the intervals",
            "**worse**",
            "",
        ]
        assert table.below == (
            "Few repetitions: they show that it runs, and prove nothing of who is better.",
            "Where we lose: in 2 of 4 lines:",
            "  b: 1.50; ours 3 ms, theirs 2 ms",
            "  d: ours has died, theirs 5 ms",
            "Worse, but within the intervals: in 1:",
            "  c: 1.50; ours 3 (2 to 4) ms, theirs 2 (1 to 3) ms",
        )
        assert standings.losses([alone], "ours", []) == ["Compared with nobody: no peer was measured."]

    @pytest.fixture
    def peers(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
        """With parts that take no time, ours alone."""
        module = importlib.import_module("bench_peers")
        for name in ("PAGE", "SMOKE_PAGE", "RAW", "SMOKE_RAW"):
            monkeypatch.setattr(module, name, tmp_path / name)
        monkeypatch.setattr(importlib.import_module("peers.crew"), "python_of", lambda _: None)
        monkeypatch.setattr(module, "PARTS", {name: self.part(name) for name in ("one", "two")})
        return module

    def part(self, name: str) -> Any:
        def measure(bouts: Any, short: bool) -> None:
            bouts.line(name, "ms").add("voicemode", 1.0 if short else 2.0)
            bouts.notes.append(f"{name} was measured.")

        return measure

    def test_a_part_that_is_measured_again_leaves_the_others_in_the_page(
        self, peers: ModuleType, tmp_path: Path
    ) -> None:
        peers.measure(False, ["one", "two"])
        peers.PARTS["two"] = lambda bouts, _: bouts.line("two", "ms").add("voicemode", 9.0)
        found = peers.measure(False, ["two"])
        assert [row[0] for row in found.table.rows] == ["two"]
        page = (tmp_path / "PAGE").read_text(encoding="utf-8")
        assert [line for line in page.splitlines() if line.startswith(("| one", "| two", "* one", "* two"))] == [
            "| one | ms | 2 | not measured |  |",
            "| two | ms | 9 | not measured |  |",
            "* one was measured.",
        ]
        assert len(re.findall(r"\* Measured \d{4}-\d\d-\d\d \d\d:\d\d: (?:one|two)\.", page)) == 2

    def test_a_short_run_measures_what_it_is_asked_for_and_leaves_the_page_of_the_whole_alone(
        self, peers: ModuleType, tmp_path: Path, report: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert peers.main(["--smoke", "--only", "two"]) == 0
        printed = capsys.readouterr().out
        assert re.search("two +ms +1", printed) is not None
        assert "one" not in {line.split(" ")[0] for line in printed.splitlines()}
        assert printed.splitlines()[-4:] == [
            "Few repetitions: they show that it runs, and prove nothing of who is better.",
            "Compared with nobody: no peer was measured.",
            "Without pipecat: python benchmarks/environments.py pipecat",
            "Without livekit: python benchmarks/environments.py livekit",
        ]
        assert not (tmp_path / "PAGE").exists()
        assert "Few repetitions" in (tmp_path / "SMOKE_PAGE").read_text(encoding="utf-8")

    def test_the_words_of_a_recording_are_found_where_they_were_said(self, world: ModuleType, tmp_path: Path) -> None:
        spoken = importlib.import_module("peers.clips").spoken("lj001-0004")
        stage = world.Stage({"clips": [spoken.with_pause(0.7).write(tmp_path)]})
        pcm = stage.clips[0].pcm
        assert stage.heard(bytes(640) + pcm) == " ".join(spoken.words)
        half = stage.heard(pcm[: len(pcm) // 2]).split()
        assert half == list(spoken.words[: len(half)])
        assert 0 < len(half) < len(spoken.words)

    @pytest.mark.realtime
    def test_our_sides_run_alone_and_say_how_to_set_up_the_others(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        peers = importlib.import_module("bench_peers")
        for name in ("SMOKE_PAGE", "SMOKE_RAW"):
            monkeypatch.setattr(peers, name, tmp_path / name)
        monkeypatch.setattr(importlib.import_module("peers.crew"), "python_of", lambda _: None)
        findings = peers.measure(True, ["turns", "hopping"])
        assert {each.what.rpartition(": ")[2] for each in findings.figures} == {"voicemode", "voicemode.aio"}
        assert findings.table.below[1:] == (
            "Compared with nobody: no peer was measured.",
            "Without pipecat: python benchmarks/environments.py pipecat",
            "Without livekit: python benchmarks/environments.py livekit",
        )
