"""When an engine is left alone, for how long, and what brings it back."""

from __future__ import annotations

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.errors import ProviderError
from actors.machines.breaker import LONGEST_ASKED, Breaker, BreakerPolicy, Permit, severity_of
from tests.machines.engines import refusal, unavailable

POLICY = BreakerPolicy()


def fail(breaker: Breaker, code: str, now: float, *, probe: bool = False) -> None:
    breaker.failed(breaker.begin(probe=probe), now, unavailable(code))


def answer(breaker: Breaker, *, probe: bool = False) -> None:
    permit = breaker.begin(probe=probe)
    breaker.answered(permit)
    breaker.done(permit)


def down(code: str = "timeout") -> Breaker:
    """One that opened at 0."""
    breaker = Breaker(POLICY)
    fail(breaker, code, 0.0)
    return breaker


def test_one_failure_of_many_kinds_is_forgiven_three_in_a_row_are_not() -> None:
    breaker = Breaker(POLICY)
    for _ in range(2):
        fail(breaker, "died", 0.0)
        assert breaker.allowed(0.0)
    fail(breaker, "failed", 0.0)
    assert not breaker.allowed(0.0)


def test_an_answer_in_between_begins_the_count_anew() -> None:
    breaker = Breaker(POLICY)
    for _ in range(10):
        fail(breaker, "died", 0.0)
        fail(breaker, "died", 0.0)
        answer(breaker)
    assert breaker.allowed(0.0)


def test_a_probe_in_between_does_not() -> None:
    breaker = Breaker(POLICY)
    fail(breaker, "died", 0.0)
    fail(breaker, "died", 0.0)
    answer(breaker, probe=True)
    fail(breaker, "died", 0.0)
    assert not breaker.allowed(0.0)


def test_an_engine_that_always_dies_in_the_middle_of_its_answer_is_left_alone() -> None:
    breaker = Breaker(POLICY)
    for _ in range(3):
        permit = breaker.begin()
        breaker.answered(permit)
        breaker.failed(permit, 0.0, unavailable("died"))
    assert not breaker.allowed(0.0)


@pytest.mark.parametrize("code", ["unreachable", "timeout", "untrusted", "not_installed", "no_model"])
def test_some_failures_are_enough_at_once(code: str) -> None:
    assert not down(code).allowed(0.0)


@pytest.mark.parametrize("code", ["unauthorized", "moved"])
def test_a_refusal_of_everybody_is_enough_at_once(code: str) -> None:
    assert severity_of(refusal(code)) == "fatal"


@pytest.mark.parametrize("code", ["refused", "too_long", "format", "voice", "speed", "unknown_words", "no_sound"])
def test_what_is_the_fault_of_the_request_never_counts(code: str) -> None:
    breaker = Breaker(POLICY)
    for _ in range(10):
        breaker.failed(breaker.begin(), 0.0, refusal(code))
    assert breaker.allowed(0.0)


def test_what_was_not_found_may_be_the_fault_of_either_and_counts() -> None:
    assert severity_of(refusal("not_found")) == "counted"


def test_a_failure_with_a_code_of_its_own_counts() -> None:
    assert severity_of(unavailable("on_fire")) == "counted"


def test_an_engine_that_asks_to_be_left_alone_is_left_alone_for_so_long_and_longer_if_that_was_due_anyway() -> None:
    breaker = Breaker(POLICY)
    breaker.failed(breaker.begin(), 5.0, unavailable("busy", retry_after=40.0))
    assert (breaker.retry_at, breaker.left_until) == (45.0, 45.0)
    breaker.failed(breaker.begin(), 50.0, unavailable("busy", retry_after=1.0))
    assert (breaker.retry_at, breaker.left_until) == (70.0, 51.0)


def test_an_engine_that_asks_to_be_left_alone_for_ever_is_asked_after_ten_minutes() -> None:
    breaker = Breaker(POLICY)
    breaker.failed(breaker.begin(), 0.0, unavailable("busy", retry_after=1e9))
    assert breaker.retry_at == LONGEST_ASKED


def test_the_delays_grow_until_a_call_is_answered_to_its_end() -> None:
    breaker = Breaker(POLICY)
    delays = []
    now = 0.0
    for _ in range(7):
        fail(breaker, "unreachable", now)
        assert breaker.retry_at is not None
        delays.append(breaker.retry_at - now)
        now = breaker.retry_at
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    answer(breaker)
    fail(breaker, "unreachable", now)
    assert breaker.retry_at == now + 1.0


def test_an_engine_that_takes_calls_and_does_not_do_them_is_left_alone_for_longer() -> None:
    breaker = down("timeout")
    assert breaker.retry_at == 10.0
    fail(breaker, "timeout", 10.0)
    assert breaker.retry_at == 30.0
    answer(breaker)
    fail(breaker, "timeout", 40.0)
    assert breaker.retry_at == 50.0


def test_delays_are_shortened_by_chance_so_that_not_all_come_back_together() -> None:
    chances = iter([0.0, 0.5, 1.0])
    delays: list[float | None] = []
    for _ in range(3):
        breaker = Breaker(POLICY, lambda: next(chances))
        fail(breaker, "unreachable", 0.0)
        delays.append(breaker.retry_at)
    assert delays == [1.0, 0.75, 0.5]


def test_only_one_tries_at_a_time() -> None:
    breaker = down()
    assert breaker.allowed(10.0)
    breaker.begin()
    assert not breaker.allowed(10.0)


def test_a_trial_that_is_answered_lets_everybody_in() -> None:
    breaker = down()
    breaker.answered(breaker.begin())
    assert breaker.allowed(10.0)
    assert breaker.retry_at is None


def test_a_trial_that_dies_in_the_middle_of_its_answer_opens_again_for_longer() -> None:
    breaker = down()
    trial = breaker.begin()
    breaker.answered(trial)
    breaker.failed(trial, 20.0, unavailable("died"))
    assert breaker.retry_at == 40.0


def test_a_cancelled_trial_says_nothing_and_another_may_follow() -> None:
    breaker = down()
    breaker.cancelled(breaker.begin())
    assert breaker.allowed(10.0)
    assert breaker.retry_at == 10.0


def test_others_that_are_cancelled_leave_the_trial_alone() -> None:
    breaker = Breaker(POLICY)
    early = breaker.begin()
    fail(breaker, "timeout", 0.0)
    trial = breaker.begin()
    breaker.cancelled(early)
    assert breaker.trial is trial


def test_a_trial_with_a_request_that_makes_no_sense_says_nothing_either() -> None:
    breaker = down()
    breaker.failed(breaker.begin(), 10.0, refusal("refused"))
    assert breaker.allowed(10.0)
    assert breaker.retry_at == 10.0


def test_calls_that_began_before_it_opened_neither_close_it_nor_make_it_wait_longer() -> None:
    breaker = Breaker(POLICY)
    early, late = breaker.begin(), breaker.begin()
    fail(breaker, "timeout", 0.0)
    breaker.failed(early, 1.0, unavailable("timeout"))
    breaker.answered(late)
    breaker.done(late)
    assert breaker.retry_at == 10.0


def test_calls_that_began_before_it_opened_do_not_vouch_for_it_once_it_is_closed_again() -> None:
    breaker = Breaker(POLICY)
    early = breaker.begin()
    fail(breaker, "timeout", 0.0)
    breaker.answered(breaker.begin())
    breaker.done(early)
    fail(breaker, "died", 20.0)
    assert breaker.retry_at == 40.0


def test_a_call_that_is_made_all_the_same_while_another_tries_says_nothing() -> None:
    breaker = down()
    trial, other = breaker.begin(), breaker.begin()
    breaker.failed(other, 1.0, unavailable("timeout"))
    breaker.answered(other)
    assert breaker.trial is trial


def test_a_call_that_is_made_too_early_because_nobody_else_is_left_is_the_trial() -> None:
    breaker = down()
    breaker.answered(breaker.begin())
    assert breaker.allowed(1.0)


def test_an_engine_that_could_not_be_reached_is_back_when_a_probe_reaches_it() -> None:
    breaker = down("unreachable")
    answer(breaker, probe=True)
    assert breaker.allowed(1.0)
    fail(breaker, "unreachable", 2.0)
    assert breaker.retry_at == 3.0


def test_an_engine_that_was_silent_in_a_call_is_not_back_because_it_answers_a_probe() -> None:
    breaker = down("timeout")
    answer(breaker, probe=True)
    assert not breaker.allowed(1.0)
    assert breaker.trial is None
    answer(breaker)
    assert breaker.allowed(1.0)


def test_an_engine_that_was_silent_in_a_call_and_is_then_gone_is_back_when_a_probe_reaches_it() -> None:
    breaker = down("timeout")
    fail(breaker, "unreachable", 60.0, probe=True)
    assert breaker.retry_at == 61.0
    answer(breaker, probe=True)
    assert breaker.allowed(61.0)


def test_a_probe_that_fails_while_a_call_tries_leaves_the_judgement_to_the_call() -> None:
    breaker = down("timeout")
    probe, trial = breaker.begin(probe=True), breaker.begin()
    breaker.failed(probe, 11.0, unavailable("unreachable"))
    assert (breaker.trial, breaker.retry_at) == (trial, 10.0)
    breaker.answered(trial)
    assert breaker.allowed(11.0)


def test_an_engine_that_is_back_by_a_probe_has_a_clean_slate() -> None:
    breaker = Breaker(POLICY)
    for code in "died", "died", "unreachable":
        fail(breaker, code, 0.0)
    answer(breaker, probe=True)
    fail(breaker, "died", 1.0)
    fail(breaker, "died", 1.0)
    assert breaker.allowed(1.0)


def test_any_failed_probe_is_enough() -> None:
    breaker = Breaker(POLICY)
    fail(breaker, "failed", 0.0, probe=True)
    assert not breaker.allowed(0.0)


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"first": 0.0}, {"mute_longest": -1.0}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BreakerPolicy(**wrong)  # type: ignore[arg-type]  # a number each


FAILURES = [
    unavailable("died"),
    unavailable("timeout"),
    unavailable("unreachable"),
    unavailable("busy", retry_after=25.0),
    refusal("refused"),
    refusal("unauthorized"),
]


class AnyBreaker(RuleBasedStateMachine):
    """Calls and probes that begin whenever they may, and sometimes when they should not, and come to anything."""

    @initialize(failures=st.integers(1, 4), chance=st.sampled_from([None, 0.0, 0.3, 1.0]))
    def make(self, failures: int, chance: float | None) -> None:
        self.breaker = Breaker(BreakerPolicy(failures=failures), None if chance is None else lambda: chance)
        self.now = 0.0
        self.running: list[Permit] = []

    @rule(seconds=st.sampled_from([0.0, 0.4, 1.0, 10.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def it_is_time(self) -> None:
        self.now = max(self.now, self.breaker.retry_at or 0.0)

    @precondition(lambda self: hasattr(self, "breaker"))
    @rule(probe=st.booleans(), whatever=st.booleans())
    def somebody_asks(self, probe: bool, whatever: bool) -> None:
        if whatever or self.breaker.allowed(self.now):
            before = self.breaker.trial
            permit = self.breaker.begin(probe=probe)
            self.running.append(permit)
            assert before is None or self.breaker.trial is before
            assert self.breaker.trial is not permit or self.breaker.retry_at is not None

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def an_answer_is_whole(self, data: st.DataObject) -> None:
        permit = self.take(data)
        trial, opened = permit is self.breaker.trial, self.breaker.retry_at
        self.breaker.answered(permit)
        assert self.breaker.retry_at == (None if trial else opened)
        self.breaker.done(permit)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), error=st.sampled_from(FAILURES))
    def one_fails(self, data: st.DataObject, error: ProviderError) -> None:
        permit = self.take(data)
        before = self.breaker.retry_at
        self.breaker.failed(permit, self.now, error)
        after = self.breaker.retry_at
        if severity_of(error) == "harmless" and not permit.probe:
            assert after == before
        if after != before:
            assert after is not None
            assert after > self.now
            assert not self.breaker.allowed(self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def one_is_cancelled(self, data: st.DataObject) -> None:
        before = self.breaker.retry_at
        self.breaker.cancelled(self.take(data))
        assert self.breaker.retry_at == before

    def take(self, data: st.DataObject) -> Permit:
        return self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))

    @invariant()
    def it_stands_where_it_may(self) -> None:
        if not hasattr(self, "breaker"):
            return
        breaker = self.breaker
        assert breaker.trial is None or breaker.trial in self.running
        if breaker.retry_at is None:
            assert breaker.allowed(self.now)
            assert breaker.left_until < self.now
            assert breaker.trial is None
            assert not breaker.mute
        else:
            assert breaker.allowed(self.now) == (breaker.trial is None and self.now >= breaker.retry_at)
            assert breaker.left_until <= breaker.retry_at


AnyBreaker.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
test_any_breaker = AnyBreaker.TestCase
