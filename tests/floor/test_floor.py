"""The floor of one process with several sessions: leases, waiting, holds, and what a call that is cancelled leaves."""

from __future__ import annotations

import json
from contextlib import suppress
from math import inf
from pathlib import Path

import pytest
import trio

from actors.errors import FloorBusy, SettingsError, VoiceError
from tests.floor.conftest import Clock, Make, files, modes, queued
from voicemode import Settings
from voicemode.floor import Floor, Participant, report_of
from voicemode.floor.store import Store
from voicemode.locks import alone
from voicemode.locks.lock_file import LockFile

LEFT = ["conch.d/guard"]
"""The files of a floor that nobody has or wants."""


async def speak(floor: Floor, order: list[str]) -> None:
    async with floor.speaking(None):
        order.append(floor.who.session_id)


async def refusal(floor: Floor, wait: float = 0.0) -> FloorBusy:
    with pytest.raises(FloorBusy) as raised:
        async with floor.speaking(wait):
            pytest.fail("the floor was somebody else's")
    return raised.value


async def test_one_speaks_and_says_so_where_others_look(floor_of: Make, directory: Path) -> None:
    async with floor_of("ada").speaking() as lease:
        assert lease.waited >= 0
        said = json.loads((directory / "conch").read_bytes())
        assert (said["session_id"], said["agent"], said["project_path"]) == ("ada", "ada's agent", "/ada")
        assert (said["voice"], said["held"], said["expires"]) == ("af_sky", False, None)
        assert isinstance(said["pid"], int)
        assert said["acquired"].endswith("+00:00")
        assert modes(directory) == {0o600}
    assert files(directory) == LEFT


async def test_who_does_not_wait_is_told_at_once_who_has_it_and_leaves_no_trace(
    floor_of: Make, directory: Path, clock: Clock
) -> None:
    async with floor_of("ada", clock=clock).speaking():
        before = files(directory)
        clock.now += 12
        busy = await refusal(floor_of("bob", clock=clock))
        assert files(directory) == before
    assert str(busy).startswith("ada's agent in /ada (session ada) has been speaking for 12 s. Nothing was said and ")
    assert "ask again with wait_for_conch true" in str(busy)
    assert (busy.session_id, busy.agent, busy.project_path) == ("ada", "ada's agent", "/ada")
    assert (busy.position, busy.waiting, busy.held) == (1, 0, False)
    assert busy.since == 1000.0
    async with floor_of("bob").speaking():
        pass


async def test_who_waits_too_long_is_told_so_and_leaves_no_trace(floor_of: Make, directory: Path) -> None:
    async with floor_of("ada").speaking():
        before = files(directory)
        busy = await refusal(floor_of("bob"), wait=0.05)
        assert files(directory) == before
    assert "Nothing was said in 0.05 s of waiting" in str(busy)


async def test_a_second_call_of_a_session_waits_for_the_first(floor_of: Make) -> None:
    floor = floor_of("ada")
    async with floor.speaking():
        assert str(await refusal(floor)).startswith("Another call of this session is speaking.")


async def test_those_that_wait_are_served_in_the_order_in_which_they_came(floor_of: Make, directory: Path) -> None:
    order: list[str] = []
    async with trio.open_nursery() as nursery, floor_of("ada").speaking():
        for number, name in enumerate(names := ["bob", "cyd", "dan"], 1):
            nursery.start_soon(speak, floor_of(name), order)
            await queued(floor_of("eve"), *names[:number])
        busy = await refusal(floor_of("eve"))
        assert (busy.position, busy.waiting) == (4, 3)
        assert "and 3 other calls wait" in str(busy)
    assert order == ["bob", "cyd", "dan"]
    assert files(directory) == LEFT


async def test_nobody_speaks_before_those_that_wait_although_the_floor_is_free(floor_of: Make) -> None:
    order: list[str] = []
    late = floor_of("late", check_interval=1.0)
    async with trio.open_nursery() as nursery:
        async with floor_of("ada").speaking():
            nursery.start_soon(speak, late, order)
            await queued(late, "late")
        with suppress(FloorBusy):
            async with floor_of("quick").speaking():
                order.append("quick")
    assert order[0] == "late"


async def test_a_hold_is_for_the_next_call_of_the_session_and_ends_by_itself(
    floor_of: Make, directory: Path, clock: Clock
) -> None:
    ada, bob = floor_of("ada", clock=clock), floor_of("bob", clock=clock)
    async with ada.speaking(hold=True):
        pass
    said = json.loads((directory / "conch").read_bytes())
    assert (said["session_id"], said["held"], said["expires"]) == ("ada", True, "1970-01-01T00:16:50.000+00:00")
    busy = await refusal(bob)
    assert busy.held
    assert "holds the voice for another 10 s" in str(busy)
    clock.now += 9
    async with ada.speaking(hold=5):
        pass
    clock.now += 4.9
    await refusal(bob)
    clock.now += 0.1
    async with bob.speaking():
        pass
    assert files(directory) == LEFT


async def test_nothing_is_held_after_an_error(floor_of: Make, directory: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with floor_of("ada").speaking(hold=True):
            raise ZeroDivisionError
    assert files(directory) == LEFT


async def test_who_is_cancelled_while_speaking_frees_the_floor(floor_of: Make, directory: Path) -> None:
    with trio.CancelScope() as scope:
        async with floor_of("ada").speaking(hold=True):
            scope.cancel()
            await trio.sleep_forever()
    assert files(directory) == LEFT


async def test_who_is_cancelled_while_waiting_leaves_no_trace(floor_of: Make, directory: Path) -> None:
    async with floor_of("ada").speaking():
        before = files(directory)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak, floor_of("bob"), [])
            await queued(floor_of("cyd"), "bob")
            assert len(files(directory)) == len(before) + 1
            nursery.cancel_scope.cancel()
        assert files(directory) == before
    assert files(directory) == LEFT


@pytest.mark.parametrize("others", [False, True])
async def test_a_cancel_at_any_moment_leaves_no_trace(floor_of: Make, directory: Path, others: bool) -> None:
    ada, bob = floor_of("ada"), floor_of("bob")

    async def one_after_the_other() -> None:
        for moment in range(60):
            with trio.move_on_after(moment * 5e-5):
                async with bob.speaking(None, hold=True):
                    await trio.sleep_forever()
            assert "bob" not in str(report_of(await ada.status()))

    if others:
        async with ada.speaking():
            await one_after_the_other()
    else:
        await one_after_the_other()
    await ada.status()
    assert files(directory) == LEFT


async def test_who_is_bumped_is_next_and_who_does_not_wait_cannot_be(floor_of: Make) -> None:
    order: list[str] = []
    ada = floor_of("ada")
    async with trio.open_nursery() as nursery, ada.speaking():
        nursery.start_soon(speak, floor_of("bob"), order)
        await queued(ada, "bob")
        nursery.start_soon(speak, floor_of("cyd"), order)
        await queued(ada, "bob", "cyd")
        await ada.bump("cyd")
        with pytest.raises(VoiceError, match="Session dan does not wait for the voice; who does: cyd, bob"):
            await ada.bump("dan")
    assert order == ["cyd", "bob"]


async def test_who_is_given_the_floor_takes_it_before_the_queue_and_instead_of_a_hold(floor_of: Make) -> None:
    order: list[str] = []
    ada = floor_of("ada")
    async with ada.speaking(hold=60):
        pass
    async with trio.open_nursery() as nursery:
        nursery.start_soon(speak, floor_of("bob"), order)
        await queued(ada, "bob")
        nursery.start_soon(speak, floor_of("cyd"), order)
        await queued(ada, "bob", "cyd")
        assert await ada.give("cyd")
    assert order == ["cyd", "bob"]


async def test_what_is_given_to_somebody_who_does_not_wait_is_kept_for_it_for_a_while(
    floor_of: Make, clock: Clock
) -> None:
    ada, bob, cyd = (floor_of(name, clock=clock) for name in ("ada", "bob", "cyd"))
    assert not await ada.give("cyd")
    busy = await refusal(bob)
    assert str(busy).startswith("The voice was given to session cyd, who has not come yet.")
    assert busy.session_id == "cyd"
    async with cyd.speaking():
        pass
    assert not await ada.give("cyd")
    clock.now += 31
    async with bob.speaking():
        pass


async def test_who_leaves_is_sent_away_from_the_queue(floor_of: Make, directory: Path) -> None:
    ada, bob = floor_of("ada"), floor_of("bob")
    refusals: list[FloorBusy] = []

    async def wait() -> None:
        refusals.append(await refusal(bob, wait=60))

    async with ada.speaking(), trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await queued(ada, "bob")
        assert await ada.leave("bob")
    assert "was taken out of the queue" in str(refusals[0])
    assert not await bob.leave()
    assert files(directory) == LEFT


async def test_releasing_ends_a_hold_and_cuts_nobody_off(floor_of: Make, directory: Path) -> None:
    ada, bob = floor_of("ada"), floor_of("bob")
    async with ada.speaking(hold=60):
        with pytest.raises(FloorBusy, match=r"\(session ada\) has been speaking .* is not cut off by this"):
            await bob.release()
        assert not await bob.release("bob")
    assert not await bob.release("bob")
    assert await bob.release("ada")
    assert not await bob.release()
    assert files(directory) == LEFT


async def test_looking_where_nobody_has_ever_spoken_makes_nothing(floor_of: Make, directory: Path) -> None:
    assert report_of(await floor_of("ada").status()) == {"holder": None, "queue": [], "grant": None}
    assert files(directory.parent) == []


async def test_what_a_session_says_of_itself_can_neither_steer_a_terminal_nor_fill_it(directory: Path) -> None:
    who = Participant(session_id="a\ud800\nb", agent="\x1b[2J", project_path="/x" * 1000)
    floor = Floor(directory, who=who)
    async with floor.speaking():
        busy = await refusal(Floor(directory, who=Participant(session_id="bob")))
    assert busy.session_id == "a? b"
    assert busy.agent == "?[2J"
    assert len(str(busy)) < 600


async def test_a_directory_that_cannot_be_used_is_named() -> None:
    floor = Floor(Path(__file__), who=Participant(session_id="ada"))
    with pytest.raises(VoiceError, match=r"the voice in .*test_floor\.py: .*VOICEMODE_CONCH_ENABLED=false"):
        async with floor.speaking():
            pytest.fail("there is no floor")


async def test_what_is_left_of_a_state_after_a_loss_of_power_is_nobodys(floor_of: Make, directory: Path) -> None:
    (directory / "conch.d").mkdir(parents=True)
    (directory / "conch.d" / "state.json").write_bytes(b'{"holder": {"ticket"')
    (directory / "conch.d" / "0.lock").touch()
    async with floor_of("ada").speaking():
        pass
    assert files(directory) == LEFT


@pytest.mark.parametrize("hold", [False, True])
async def test_a_floor_that_cannot_be_left_in_writing_is_free_all_the_same(
    floor_of: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, hold: bool
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with floor_of("ada").speaking(hold=hold):
        monkeypatch.setattr(Store, "_put", full)
        with pytest.raises(VoiceError, match="No space left"):
            await floor_of("bob").give("cyd")
    monkeypatch.undo()
    assert "No space left on device" in caplog.text
    async with floor_of("bob").speaking():
        pass


async def test_a_process_that_was_stopped_at_the_files_is_named_and_not_waited_for(
    floor_of: Make, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "LONGEST", 0.02)
    (directory / "conch.d").mkdir(parents=True)
    lock = LockFile.take(directory / "conch.d" / "guard")
    assert lock is not None
    with pytest.raises(VoiceError, match="it was probably stopped; let it go on, or end it"):
        async with floor_of("ada").speaking():
            pytest.fail("somebody is at the files")
    lock.release()


async def test_who_waits_at_the_files_can_be_cancelled(floor_of: Make, directory: Path) -> None:
    (directory / "conch.d").mkdir(parents=True)
    lock = LockFile.take(directory / "conch.d" / "guard")
    assert lock is not None
    with trio.move_on_after(0.02) as scope:
        async with floor_of("ada").speaking():
            pytest.fail("somebody is at the files")
    lock.release()
    assert scope.cancelled_caught
    assert files(directory) == LEFT


async def test_on_windows_it_is_refused_in_a_sentence(floor_of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = floor_of("ada")
    with monkeypatch.context() as patch:
        patch.setattr("sys.platform", "win32")
        with pytest.raises(VoiceError, match=r"Windows has no locks .* VOICEMODE_CONCH_ENABLED false"):
            async with floor.speaking():
                pytest.fail("there are no locks")


async def test_it_is_made_as_the_settings_say(directory: Path) -> None:
    settings = Settings(base_dir=directory, floor_check=0.25, floor_hold=3.0)
    floor = Floor.of(settings, Participant(session_id="ada"))
    assert (floor.check_interval, floor.hold_expiry) == (0.25, 3.0)
    async with floor.speaking():
        assert "conch" in files(directory)


@pytest.mark.parametrize(
    "wrong", [{"floor_check": 0.0}, {"floor_check": 6.0}, {"floor_wait": -1.0}, {"floor_hold": inf}]
)
def test_what_cannot_be_is_no_setting(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))} is a number of seconds from"):
        Settings(**wrong)
