"""What holds for every test: in CI nothing is skipped and examples are always the same; no thread is left at work."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator

import pytest
from hypothesis import settings
from virtual_audio import (
    own_virtual_audio as own_virtual_audio,
    sound_server as sound_server,
    virtual_audio as virtual_audio,
)

IN_CI = bool(os.environ.get("CI")) or os.environ.get("VOICEMODE_REQUIRE_ALL") == "1"

settings.register_profile("default", deadline=None)
# the same examples every time, so that all of them on one Python and some on the others say as much as all on all
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=200 if sys.version_info < (3, 12) else 40)
settings.load_profile("ci" if IN_CI else "default")

# Trio keeps a worker for the next job for ten seconds, PortAudio has one for good; both are called otherwise at work.
IDLE_WORKERS = ("Trio thread", "PortAudio idle")
GRACE = 2.0


@pytest.fixture(scope="session")
def require() -> Callable[[object, str], None]:
    """``require(engine_found, "no espeak library")``: a reason to skip on a desk, and to fail in CI."""

    def check(condition: object, reason: str) -> None:
        if not condition:
            pytest.skip(reason)

    return check


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        report.outcome = "failed"
        report.longrepr = f"{reason}\n(a skip on a desk; in CI everything has to be there)"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.fixture(autouse=True)
def _nothing_is_looked_for_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens to listen on it is no test's business; processes that a test starts are told by the environment."""
    monkeypatch.setattr("voicemode.speech.discovery.USUAL", ())
    monkeypatch.setenv("VOICEMODE_ALWAYS_TRY_LOCAL", "false")


def at_work() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith(IDLE_WORKERS)}


@pytest.fixture(autouse=True)
def no_thread_is_left_at_work() -> Iterator[None]:
    """Trio sees to tasks: a run ends when the last has.  Threads that a test abandons get a moment to finish."""
    before = at_work()
    yield
    deadline = time.monotonic() + GRACE
    while left := at_work() - before:
        if time.monotonic() > deadline:
            pytest.fail(f"still at work after the test: {', '.join(sorted(thread.name for thread in left))}")
        time.sleep(0.001)
