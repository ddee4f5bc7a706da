"""An agent that is a program.  In: a line on its standard input for all that the user says.  Out: the lines it writes.

An empty line ends an answer, and so does the end of the program, which is then started anew for the next question.  Its
output is read all along and counted in answers, so that what it still writes for a question nobody waits for any more
is never taken for the answer to the next one.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, field

from actors.errors import ProviderUnavailable, SettingsError
from actors.messages import Message

from ..groups import unwrapped

PATIENCE = 60.0
"""Seconds without a line before an answer is given up: programs may have to work for what they say."""

LEAVE = 1.0
"""Seconds a program has to end after its input was closed, and again after it was asked to."""

WAITING = 4096
"""Lines of an answer that wait to be spoken; a program that writes more waits."""

LONGEST_LINE = 1 << 16
"""Bytes; a longer line is taken in parts."""

REMEMBERED = 5
"""Lines of its standard error that may explain its end."""


@define(eq=False)
class _Answer:
    """``whole`` once the program has said that it is."""

    send: trio.MemorySendChannel[str]
    whole: bool = False


@define(eq=False)
class _Run:
    """The program from its start to its end."""

    process: trio.Process
    stdin: trio.abc.SendStream
    stdout: trio.abc.ReceiveStream
    stderr: trio.abc.ReceiveStream
    tell: Callable[[str], None]
    answers: deque[_Answer] = field(factory=deque[_Answer])
    asked: int = 0
    complaints: deque[str] = field(factory=lambda: deque[str](maxlen=REMEMBERED))
    ended: bool = False

    async def ask(self, question: str) -> tuple[_Answer, trio.MemoryReceiveChannel[str]]:
        send, receive = trio.open_memory_channel[str](WAITING)
        answer = _Answer(send)
        self.answers.append(answer)
        self.asked += 1
        try:
            await self.stdin.send_all(f"{question}\n".encode())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # its end is noticed where its answer is read
        except BaseException:
            self.kill()  # the next question must not follow half of this one
            raise
        return answer, receive

    async def serve(self) -> None:
        """Read until the program has ended and its output is empty."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read_answers)
                nursery.start_soon(self._read_complaints)
                await self.process.wait()
                # whatever it started and left behind must not keep its output open
                self.kill()
                nursery.cancel_scope.deadline = trio.current_time() + LEAVE
        finally:
            self.ended = True
            self.kill()
            for answer in self.answers:
                answer.send.close()
            with trio.move_on_after(LEAVE, shield=True):
                await self.process.wait()
                for stream in (self.stdin, self.stdout, self.stderr):
                    await stream.aclose()

    async def leave(self) -> None:
        """Let it end by itself, then ask it to."""
        await self.stdin.aclose()
        with trio.move_on_after(LEAVE):
            await self.process.wait()
        if self.process.returncode is None:
            self.process.terminate()
            with trio.move_on_after(LEAVE):
                await self.process.wait()

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def _read_answers(self) -> None:
        strayed = False

        async def take(line: str) -> None:
            nonlocal strayed
            if self.answers and line:
                with suppress(trio.BrokenResourceError):  # nobody listens to this answer any more
                    await self.answers[0].send.send(line)
            elif self.answers:
                answer = self.answers.popleft()
                answer.whole = True
                answer.send.close()
            elif line and not strayed:
                strayed = True
                self.tell("It went on after the empty line that ends an answer; that is not spoken.")

        await _each_line(self.stdout, take)

    async def _read_complaints(self) -> None:
        async def take(line: str) -> None:
            if line:
                self.complaints.append(line)
                self.tell(line)
            await trio.lowlevel.checkpoint()

        await _each_line(self.stderr, take)


class CommandAgent:
    """Answers with the lines of a program that ``running_command`` keeps running."""

    def __init__(
        self, args: Sequence[str], nursery: trio.Nursery, tell: Callable[[str], None], patience: float
    ) -> None:
        self._args, self._nursery, self._tell, self._patience = args, nursery, tell, patience
        self._run: _Run | None = None
        self.name = shlex.join(args)

    async def __call__(self, transcript: str, _: Sequence[Message], /) -> AsyncGenerator[str, None]:
        question = " ".join(transcript.split())
        run = await self.start()
        # one that ends on its own after an answer may do so before it has read the next question
        another = run.asked > 0
        while True:
            spoken = False
            answer, lines = await self._ask(run, question)
            with lines:
                while (line := await self._next(run, lines)) is not None:
                    spoken = True
                    yield f"{line}\n"
            if answer.whole or spoken or not another:
                break
            run, another = await self.start(), False
        if not answer.whole and run.process.returncode:
            raise self._died(run)

    async def start(self) -> _Run:
        """The program that runs; a new one when there is none.  Raises ProviderUnavailable if it cannot be started."""
        if self._run is None or self._run.ended or self._run.process.returncode is not None:
            # a process group of its own, or Ctrl-C at the terminal would hit the program too
            try:
                process = await trio.lowlevel.open_process(
                    self._args,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                )
            except OSError as error:
                raise ProviderUnavailable(
                    self.name, f"The agent command {self.name} cannot be started: {error.strerror}."
                ) from error
            if process.stdin is None or process.stdout is None or process.stderr is None:
                raise RuntimeError("a process without the pipes that were asked for")
            self._run = _Run(process, process.stdin, process.stdout, process.stderr, self._tell)
            self._nursery.start_soon(self._run.serve)
        return self._run

    async def leave(self) -> None:
        if self._run is not None and not self._run.ended:
            await self._run.leave()

    async def _ask(self, run: _Run, question: str) -> tuple[_Answer, trio.MemoryReceiveChannel[str]]:
        try:
            with trio.fail_after(self._patience):
                return await run.ask(question)
        except trio.TooSlowError as error:
            raise self._given_up(run) from error

    async def _next(self, run: _Run, lines: trio.MemoryReceiveChannel[str]) -> str | None:
        try:
            with trio.fail_after(self._patience):
                return await lines.receive()
        except trio.EndOfChannel:
            return None
        except trio.TooSlowError as error:
            raise self._given_up(run) from error

    def _given_up(self, run: _Run) -> ProviderUnavailable:
        run.kill()
        return ProviderUnavailable(
            self.name,
            f"The agent command {self.name} wrote nothing for {self._patience:g} s and is started anew. "
            "It has to flush each line and to end each answer with an empty one.",
            code="timeout",
            retryable=True,
        )

    def _died(self, run: _Run) -> ProviderUnavailable:
        code = run.process.returncode or 0
        how = f"ended with status {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"
        why = f": {run.complaints[-1]}" if run.complaints else "."
        return ProviderUnavailable(self.name, f"The agent command {self.name} {how}{why}", code="died", retryable=True)


@asynccontextmanager
async def running_command(
    command: str, *, tell: Callable[[str], None] = lambda _: None, patience: float = PATIENCE
) -> AsyncGenerator[CommandAgent]:
    """Start ``command`` (words as a shell reads them, but no shell) and keep it running.

    ``tell`` is given the lines of its standard error.  On leaving its input is closed; it is killed if it stays, and at
    once when the context is cancelled.  Raises SettingsError for what cannot be a command.
    """
    args = arguments_of(command)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            agent = CommandAgent(args, nursery, tell, patience)
            await agent.start()
            yield agent
            await agent.leave()
            nursery.cancel_scope.cancel("the program is done with")


def arguments_of(command: str) -> list[str]:
    """The words of ``command``.  Raises SettingsError unless the first is a program that can be found."""
    try:
        args = shlex.split(command)
    except ValueError as error:
        raise SettingsError(f"The agent command {command} cannot be read: {error}.") from error
    if not args:
        raise SettingsError("The agent command is empty; write one, as in 'python my_agent.py'.")
    if shutil.which(args[0]) is None:
        raise SettingsError(f"There is no program {args[0]} for the agent command; check its name and the PATH.")
    return args


async def _each_line(stream: trio.abc.ReceiveStream, take: Callable[[str], Awaitable[None]]) -> None:
    rest = b""
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while data := await stream.receive_some():
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                await take(line.decode("utf-8", "replace").strip())
    if rest:
        await take(rest.decode("utf-8", "replace").strip())
