"""An error in a few words."""

from __future__ import annotations

import pytest

from actors.machines.reasons import LONGEST, in_short


@pytest.mark.parametrize(
    ("reason", "short"),
    [
        ("http://127.0.0.1:2022/v1 said nothing for 1.5 s.", "said nothing for 1.5 s"),
        (
            "http://127.0.0.1:2022/v1 is not ready (503): still\nloading. Try later.",
            "is not ready (503): still loading",
        ),
        ("It is broken.", "It is broken"),
        ("http://127.0.0.1:2022/v1", "http://127.0.0.1:2022/v1"),
    ],
)
def test_the_first_sentence_without_the_name(reason: str, short: str) -> None:
    assert in_short("http://127.0.0.1:2022/v1", reason) == short


def test_what_is_long_is_cut() -> None:
    assert len(in_short("one", "one said " + "blah " * 100)) <= LONGEST
