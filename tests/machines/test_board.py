"""What the board knows of the engines, whom it would ask and probe, and what is news."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.errors import ProviderError
from actors.events import Health, ProviderChanged
from actors.machines.board import Board, BoardPolicy, Due, Key
from actors.machines.record import Call
from actors.messages import Service
from tests.machines.engines import refusal, unavailable

WHISPER: Key = ("stt", "whisper")
NAMES = ("whisper", "cloud", "embedded")


def board_of(*names: str, policy: BoardPolicy | None = None) -> Board:
    board = Board(policy or BoardPolicy())
    for name in names or ("whisper",):
        board.add("stt", name, "local", 0.0)
    return board


def ask(board: Board, name: str = "whisper", at: float = 0.0, seconds: float = 0.1) -> None:
    """A call that is answered after ``seconds`` and is whole at once."""
    call = board.began("stt", name, at)
    board.answered(call, at + seconds)
    board.ended(call, at + seconds)


def fail(board: Board, name: str = "whisper", at: float = 0.0, code: str = "timeout") -> None:
    board.failed(board.began("stt", name, at), at, unavailable(code))


def probe(board: Board, at: float, error: ProviderError | None = None) -> None:
    call = board.probing(*WHISPER, at)
    if error is not None:
        board.failed(call, at, error)
        return
    board.answered(call, at)
    board.ended(call, at)


def health(board: Board, name: str = "whisper") -> Health:
    return board.status("stt", name).health


def test_an_engine_that_was_not_asked_is_unknown_and_may_be_asked() -> None:
    board = board_of()
    [status] = board.statuses()
    assert (status.provider, status.place, status.health, status.since) == ("whisper", "local", "unknown", 0.0)
    assert (status.calls, status.p50, status.p95, status.error, status.retry_at) == (0, None, None, None, None)
    assert board.allowed(*WHISPER, 0.0)


def test_an_engine_is_up_from_its_first_answer_on() -> None:
    board = board_of()
    call = board.began(*WHISPER, 1.0)
    assert health(board) == "unknown"
    board.answered(call, 1.5)
    status = board.status(*WHISPER)
    assert (status.health, status.since, status.running, status.p50) == ("up", 1.5, 1, 0.5)


def test_an_engine_that_is_down_says_why_and_when_it_is_asked_again() -> None:
    board = board_of()
    fail(board, at=3.0)
    status = board.status(*WHISPER)
    assert (status.health, status.since, status.error, status.retry_at) == ("down", 3.0, "whisper: timeout.", 13.0)
    assert not board.allowed(*WHISPER, 12.9)
    assert board.allowed(*WHISPER, 13.0)


def test_an_engine_is_down_since_it_first_was_however_often_it_is_tried() -> None:
    board = board_of()
    fail(board, at=3.0)
    trial = board.began(*WHISPER, 13.0)
    status = board.status(*WHISPER)
    assert (status.health, status.since, status.retry_at) == ("trying", 3.0, None)
    board.failed(trial, 14.0, unavailable("timeout"))
    assert board.status(*WHISPER).since == 3.0
    ask(board, at=40.0)
    assert (health(board), board.status(*WHISPER).since) == ("up", 40.1)


def test_calls_are_counted_by_what_came_of_them_and_probes_are_not() -> None:
    board = board_of()
    ask(board)
    fail(board, code="died")
    board.failed(board.began(*WHISPER, 0.0), 0.0, refusal("refused"))
    board.cancelled(board.began(*WHISPER, 0.0), 0.0)
    board.began(*WHISPER, 0.0)
    probe(board, 0.0)
    status = board.status(*WHISPER)
    assert (status.calls, status.failed, status.cancelled, status.running) == (5, 2, 1, 1)
    assert status.p95 == 0.1


def test_a_call_that_had_nothing_to_answer_says_nothing() -> None:
    board = board_of()
    board.ended(board.began(*WHISPER, 0.0), 0.1)
    status = board.status(*WHISPER)
    assert (status.health, status.calls, status.running, status.p50) == ("unknown", 1, 0, None)
    fail(board)
    board.ended(board.began(*WHISPER, 10.0), 10.1)
    assert health(board) == "down"
    assert board.allowed(*WHISPER, 10.1)


def test_what_came_of_a_call_is_told_once() -> None:
    board = board_of()
    call = board.began(*WHISPER, 0.0)
    board.answered(call, 0.1)
    with pytest.raises(RuntimeError):
        board.answered(call, 0.2)
    board.ended(call, 0.3)
    before = board.statuses()
    for tell in board.answered, board.ended, board.cancelled:
        with pytest.raises(RuntimeError):
            tell(call, 0.4)
    with pytest.raises(RuntimeError):
        board.failed(call, 0.4, unavailable("timeout"))
    assert board.statuses() == before


def test_how_long_an_answer_takes_counts_from_the_end_of_the_question() -> None:
    board = board_of()
    call = board.began("stt", "whisper", 0.0)
    assert board.status("stt", "whisper").running == 1
    asked = board.asked(call, 5.0)
    board.answered(asked, 5.2)
    with pytest.raises(RuntimeError):
        board.asked(asked, 5.3)
    board.ended(asked, 5.3)
    status = board.status("stt", "whisper")
    assert (status.calls, status.running, status.p50) == (1, 0, pytest.approx(0.2))
    for over in (call, asked):
        with pytest.raises(RuntimeError):
            board.asked(over, 6.0)


def test_an_engine_is_on_the_board_once_for_each_service() -> None:
    board = board_of()
    board.add("tts", "whisper", "local", 0.0)
    with pytest.raises(ValueError, match="whisper is on the board already"):
        board.add("stt", "whisper", "remote", 0.0)
    with pytest.raises(KeyError):
        board.began("stt", "nobody", 0.0)
    assert [status.service for status in board.statuses()] == ["stt", "tts"]


def test_engines_are_asked_in_the_order_given_without_those_that_are_down() -> None:
    board = board_of(*NAMES)
    groups = [[name] for name in NAMES]
    assert board.order("stt", groups, 0.0) == list(NAMES)
    fail(board, "whisper")
    assert board.order("stt", groups, 1.0) == ["cloud", "embedded"]
    assert board.order("stt", groups, 10.0) == list(NAMES)


def test_when_all_are_down_those_are_asked_that_did_not_ask_to_be_left_alone() -> None:
    board = board_of(*NAMES)
    fail(board, "whisper")
    board.failed(board.began("stt", "cloud", 0.0), 0.0, unavailable("busy", retry_after=60.0))
    fail(board, "embedded", code="not_installed")
    assert board.order("stt", [NAMES], 1.0) == ["whisper", "embedded"]


def test_an_engine_that_answers_before_it_wanted_to_be_asked_again_is_asked_again() -> None:
    board = board_of()
    board.failed(board.began(*WHISPER, 0.0), 0.0, unavailable("busy", retry_after=60.0))
    ask(board, at=5.0)
    assert board.order("stt", [["whisper"]], 6.0) == ["whisper"]


def test_the_fastest_of_equals_comes_first_and_another_when_that_one_is_busy() -> None:
    board = board_of(*NAMES)
    ask(board, "whisper", seconds=0.3)
    ask(board, "cloud", seconds=0.2)
    ask(board, "embedded", seconds=0.9)
    equals = [("whisper", "cloud"), ("embedded",)]
    assert board.order("stt", equals, 1.0) == ["cloud", "whisper", "embedded"]
    board.began("stt", "cloud", 1.0)
    assert board.order("stt", equals, 1.0) == ["whisper", "cloud", "embedded"]


def test_an_equal_of_whom_nothing_is_known_is_found_out_about() -> None:
    board = board_of(*NAMES)
    ask(board, "whisper", seconds=0.3)
    board.began("stt", "whisper", 1.0)
    assert board.order("stt", [("whisper", "cloud")], 1.0) == ["cloud", "whisper"]


def test_an_equal_that_was_slow_is_given_another_chance_after_a_while() -> None:
    board = board_of("whisper", "cloud")
    ask(board, "cloud", at=0.0, seconds=2.0)
    ask(board, "whisper", at=400.0, seconds=0.3)
    board.began("stt", "whisper", 400.5)
    assert board.order("stt", [("whisper", "cloud")], 401.0) == ["cloud", "whisper"]


def test_an_answer_is_late_after_the_95th_percentile_when_there_were_enough_of_them() -> None:
    board = board_of(policy=BoardPolicy(enough=20))
    for number in range(19):
        ask(board, seconds=0.1 + number / 100)
    assert board.patience(*WHISPER, 1.5) == 1.5
    ask(board, seconds=5.0)
    assert board.patience(*WHISPER, 1.5) == pytest.approx(0.28)


def test_a_new_engine_is_probed_at_once_and_one_that_has_just_answered_is_not() -> None:
    board = board_of()
    assert board.due([WHISPER], 0.0).now == (WHISPER,)
    ask(board, at=0.0)
    assert board.due([WHISPER], 1.0) == Due((), 60.1)


def test_nobody_is_probed_while_a_call_or_a_probe_is_running() -> None:
    board = board_of()
    call = board.probing(*WHISPER, 0.0)
    assert board.due([WHISPER], 0.0) == Due((), None)
    board.ended(call, 0.0)
    board.began(*WHISPER, 0.0)
    assert board.due([WHISPER], 100.0).now == ()


def test_an_engine_is_not_probed_twice_at_a_time_even_if_a_call_finds_it_gone_meanwhile() -> None:
    board = board_of()
    slow = board.probing(*WHISPER, 0.0)
    fail(board, code="unreachable")
    assert board.due([WHISPER], 1.2).now == ()
    board.failed(slow, 1.5, unavailable("timeout"))
    assert board.due([WHISPER], 1.5).now == (WHISPER,)


def test_an_engine_of_which_nothing_was_heard_for_a_minute_is_probed() -> None:
    board = board_of()
    ask(board, at=0.0, seconds=0.0)
    assert board.due([WHISPER], 59.9).now == ()
    assert board.due([WHISPER], 60.0).now == (WHISPER,)
    probe(board, 60.0)
    assert board.due([WHISPER], 60.0).later == 120.0


def test_an_engine_that_could_not_be_reached_is_probed_when_it_is_time() -> None:
    board = board_of()
    fail(board, code="unreachable")
    assert board.due([WHISPER], 0.0) == Due((), 1.0)
    assert board.due([WHISPER], 1.0).now == (WHISPER,)
    trial = board.began(*WHISPER, 1.0)
    assert board.due([WHISPER], 1.0).now == ()
    board.cancelled(trial, 1.1)
    assert board.due([WHISPER], 1.1).now == (WHISPER,)


def test_an_engine_that_was_silent_in_a_call_is_only_now_and_then_asked_whether_it_is_there() -> None:
    board = board_of()
    fail(board, code="timeout")
    assert board.due([WHISPER], 0.0).later == 60.0
    probe(board, 60.0)
    assert health(board) == "down"
    assert board.due([WHISPER], 60.0).later == 120.0


def test_an_engine_that_asked_to_be_left_alone_is_not_even_probed() -> None:
    board = board_of()
    board.failed(board.began(*WHISPER, 0.0), 0.0, unavailable("busy", retry_after=300.0))
    assert board.due([WHISPER], 100.0) == Due((), 300.0)


def test_a_connection_that_went_with_a_cancelled_call_is_renewed_unless_a_call_has_done_so() -> None:
    board = board_of()
    ask(board)
    board.cancelled(board.began(*WHISPER, 1.0), 1.5)
    assert board.due([WHISPER], 1.5).now == (WHISPER,)
    ask(board, at=2.0)
    assert board.due([WHISPER], 2.5).now == ()
    one, other = board.began(*WHISPER, 3.0), board.began(*WHISPER, 3.0)
    board.cancelled(one, 4.0)
    board.answered(other, 4.0)
    board.ended(other, 4.0)
    assert board.due([WHISPER], 4.0).now == ()


def test_after_a_failure_that_may_have_taken_the_connection_it_is_asked_whether_it_is_there() -> None:
    board = board_of()
    ask(board)
    fail(board, at=1.0, code="died")
    assert board.due([WHISPER], 1.0).now == (WHISPER,)
    probe(board, 1.0, unavailable("unreachable"))
    assert health(board) == "down"


def test_only_those_that_can_be_probed_are() -> None:
    board = board_of(*NAMES)
    assert board.due([("stt", "cloud")], 0.0).now == (("stt", "cloud"),)


def test_each_change_is_told_once_and_trials_that_fail_are_no_news() -> None:
    board = board_of()
    told: list[ProviderChanged] = []
    with board.listening(told.append, lambda: None):
        for at in 0.0, 1.0:
            ask(board, at=at)
        for at in 2.0, 12.0, 32.0:
            fail(board, at=at)
        ask(board, at=72.0)
    fail(board, at=80.0)
    assert [(event.at, event.status.health) for event in told] == [(0.1, "up"), (2.0, "down"), (72.1, "up")]
    assert [event.status.since for event in told] == [0.1, 2.0, 72.1]


def test_listeners_are_stirred_by_everything_that_may_bring_a_probe_forward() -> None:
    board = board_of()
    stirred: list[None] = []
    with board.listening(lambda _: None, lambda: stirred.append(None)):
        board.add("stt", "cloud", "remote", 0.0)
        call = board.began(*WHISPER, 0.0)
        board.answered(call, 0.0)
        board.cancelled(call, 0.0)
    ask(board)
    assert len(stirred) == 4


ERRORS = [
    unavailable("died"),
    unavailable("timeout"),
    unavailable("unreachable"),
    unavailable("busy", retry_after=25.0),
    refusal("refused"),
]


class AnyBoard(RuleBasedStateMachine):
    """Callers that obey the board, or are desperate, and probes that obey it; anything may come of them."""

    @initialize(chance=st.sampled_from([None, 0.5]))
    def make(self, chance: float | None) -> None:
        self.board = Board(chance=None if chance is None else lambda: chance)
        self.now = 0.0
        self.keys: list[Key] = [("stt", "whisper"), ("stt", "cloud"), ("tts", "whisper")]
        for service, name in self.keys:
            self.board.add(service, name, "local", 0.0)
        self.running: list[Call] = []
        self.answered: set[Call] = set()
        self.counts: Counter[tuple[Key, str]] = Counter()
        self.told: dict[Key, Health] = dict.fromkeys(self.keys, "unknown")
        self.since = dict.fromkeys(self.keys, 0.0)
        self.listening = self.board.listening(self.hear, lambda: None)
        self.listening.__enter__()

    def teardown(self) -> None:
        if hasattr(self, "board"):
            self.listening.__exit__(None, None, None)

    def hear(self, event: ProviderChanged) -> None:
        status = event.status
        key = status.service, status.provider
        assert status.health in {"up", "down"}
        assert status.health != self.told[key]
        assert event.at == status.since == self.now
        self.told[key] = status.health

    @rule(seconds=st.sampled_from([0.0, 0.4, 1.0, 10.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: hasattr(self, "board"))
    @rule(service=st.sampled_from(["stt", "tts"]), equals=st.booleans())
    def somebody_asks_the_first(self, service: Service, equals: bool) -> None:
        names = [name for each, name in self.keys if each == service]
        order = self.board.order(service, [names] if equals else [[name] for name in names], self.now)
        assert len(order) == len(set(order))
        assert set(order) <= set(names)
        assert set(order) >= {name for name in names if self.board.allowed(service, name, self.now)}
        if order:
            self.running.append(self.board.began(service, order[0], self.now))
            self.counts[(service, order[0]), "calls"] += 1

    @precondition(lambda self: hasattr(self, "board"))
    @rule()
    def what_is_due_is_probed(self) -> None:
        due = self.board.due(self.keys, self.now)
        assert due.later is None or due.later > self.now
        for key in due.now:
            assert not any(call.permit.probe for call in self.of(key))
            self.running.append(self.board.probing(*key, self.now))
        assert self.board.due(self.keys, self.now).now == ()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def an_answer_begins(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.running))
        if call not in self.answered:
            self.answered.add(call)
            self.board.answered(call, self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def a_question_ends(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.running) - 1))
        if self.running[at] not in self.answered:
            self.running[at] = self.board.asked(self.running[at], self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["ended", "cancelled", *ERRORS]))
    def one_is_over(self, data: st.DataObject, how: str | ProviderError) -> None:
        call = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        key = call.service, call.provider
        if isinstance(how, ProviderError):
            self.board.failed(call, self.now, how)
            self.counts[key, "failed"] += not call.permit.probe
        elif how == "ended":
            self.board.ended(call, self.now)
        else:
            self.board.cancelled(call, self.now)
            self.counts[key, "cancelled"] += not call.permit.probe

    def of(self, key: Key) -> list[Call]:
        return [call for call in self.running if (call.service, call.provider) == key]

    @invariant()
    def the_accounts_agree(self) -> None:
        if not hasattr(self, "board"):
            return
        for key, status in zip(self.keys, self.board.statuses(), strict=True):
            assert status.calls == self.counts[key, "calls"]
            assert status.failed == self.counts[key, "failed"]
            assert status.cancelled == self.counts[key, "cancelled"]
            assert status.running == sum(not call.permit.probe for call in self.of(key)) >= 0
            assert status.since >= self.since[key]
            self.since[key] = status.since
            assert (status.health == "down") == (status.retry_at is not None)
            allowed = self.board.allowed(*key, self.now)
            if status.retry_at is not None:
                assert allowed == (self.now >= status.retry_at)
            else:
                assert allowed == (status.health != "trying")
            if status.health == "trying":
                assert self.of(key)
                assert self.told[key] == "down"
            else:
                assert status.health == self.told[key]


AnyBoard.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
test_any_board = AnyBoard.TestCase
