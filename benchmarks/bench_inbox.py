"""Messages into inboxes: how long until one is durable, alone and in a crowd, and what is left of them after kills."""

from __future__ import annotations

import sys

from inbox_trials import LATEST, Crowd, Outcome, killed_writers, many_writers
from report import Budget, Figure, Findings, figure, run

NEVER = Budget(at_most=0, exact=True)


def measure(smoke: bool) -> Findings:
    killed = killed_writers(40 if smoke else 10_000)
    alone = many_writers(1, 20 if smoke else 500)
    crowd = many_writers(*((3, 20) if smoke else (8, 1_000)))
    return Findings(
        figures=(
            figure("killed writers", "", [killed.trials]),
            *outcome("of them", killed),
            figure("one writer: durable after", "ms", [1000 * each for each in alone.times]),
            *outcome("one writer", alone.outcome),
            figure(f"{crowd.outcome.trials} writers: durable after", "ms", [1000 * each for each in crowd.times]),
            *outcome(f"{crowd.outcome.trials} writers", crowd.outcome),
        ),
        notes=(struck(killed), told(alone), told(crowd)),
    )


def outcome(who: str, found: Outcome) -> list[Figure]:
    return [
        figure(f"{who}: acknowledged", "messages", [found.acknowledged]),
        figure(f"{who}: files that cannot be read", "", [found.torn], NEVER),
        figure(f"{who}: acknowledged and lost", "messages", [found.lost], NEVER),
        figure(f"{who}: there twice", "messages", [found.doubled], NEVER),
    ]


def struck(killed: Outcome) -> str:
    return (
        f"A writer was killed up to {1000 * LATEST:g} ms after it began, in the middle of changing a team's inbox "
        f"{killed.locks} times, {killed.successors} of them with a new one beside it, {killed.pieces} times in a line; "
        f"{killed.trials} trials took {killed.seconds:.0f} s."
    )


def told(crowd: Crowd) -> str:
    rate = crowd.outcome.acknowledged / crowd.outcome.seconds
    return (
        f"{crowd.outcome.trials} at once: {rate:.0f} messages a second, each in the lines of a user and in a team's "
        f"inbox; of {crowd.turns} times Claude Code wanted at its inbox it gave up {crowd.turned_away}."
    )


def main(arguments: list[str] | None = None) -> int:
    return run("inbox", measure, arguments)


if __name__ == "__main__":
    sys.exit(main())
