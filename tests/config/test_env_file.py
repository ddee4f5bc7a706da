"""Files of settings as text: what is read out of them, and what a change leaves alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from voicemode.config.env_file import put, quoted, remove, scan

PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)


def values(text: str) -> dict[str, str]:
    return {each.name: each.value for each in scan(text) if each.fault is None}


def faults(text: str) -> list[tuple[int, str]]:
    return [(each.line, each.fault) for each in scan(text) if each.fault is not None]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A = b  ", "b"),
        ("A=", ""),
        ("A=# b", "# b"),
        ("A= # b", ""),
        ("A=b # c", "b"),
        ("A=b#c", "b#c"),
        ("A=b c=d", "b c=d"),
        ("A=it's", "it's"),
        ("A=$HOME/`ls`", "$HOME/`ls`"),
        ("A='b # $c \\n \"'", 'b # $c \\n "'),
        ("A='b' # c", "b"),
        (r'A="b \"c\" \\ \$ \` \n"', r'b "c" \ $ ` \n'),
        ("A='b\nc'", "b\nc"),
        ("A='b\r\nc'\r", "b\nc"),
        ("A=b\r", "b"),
        ("A=\N{NO-BREAK SPACE}ü", "ü"),
    ],
)
def test_a_line_gives_a_name_a_value(line: str, value: str) -> None:
    assert values(f"# before\n\n{line}\nZ=z\n") == {"A": value, "Z": "z"}
    assert values(line) == {"A": value}


def test_comments_and_blank_lines_say_nothing() -> None:
    assert scan("# A=b\n\n   # c\n\t\n") == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("hello", "is not NAME=VALUE"),
        ("1A=b", "is not NAME=VALUE"),
        ("=b", "is not NAME=VALUE"),
        ("source other.env", "is not NAME=VALUE"),
        ("A='b", "not closed"),
        ('A="b', "not closed"),
        ("A='b'c", "after the closing quote"),
        ("A='b'#c", "after the closing quote"),
        ("A=b\x1b[2J", "cannot be printed"),
        ("A='b\0'", "cannot be printed"),
    ],
)
def test_a_fault_is_told_with_its_line_and_what_follows_is_read(line: str, fault: str) -> None:
    text = f"# before\nY='y\n\n'\n{line}\nZ=z\n"
    ((at, said),) = faults(text)
    assert at == 5
    assert fault in said
    assert values(text)["Z"] == "z"


def test_a_change_leaves_the_rest_as_it_was() -> None:
    text = "# mine\r\nexport A='b'   # why\r\n\r\nC=d\n# E=f\nG=h"
    assert put(text, "A", "i j") == text.replace("'b'", "'i j'")
    assert put(text, "E", "k") == text.replace("# E=f\n", "# E=f\nE=k\n")
    assert put(text, "L", "m") == f"{text}\nL=m\n"
    assert remove(text, "A") == text.replace("export A='b'   # why\r\n", "")
    assert remove(text, "M") == text


def test_a_change_mends_what_it_replaces() -> None:
    assert put("A=b\nA='c\nD=e\nA=f\n", "A", "g") == "A=g\nD=e\n"


def test_a_comment_inside_a_value_is_no_place_for_another() -> None:
    assert put("A='\n# B=c\n'\n", "B", "d") == "A='\n# B=c\n'\nB=d\n"


def test_what_an_open_quote_would_swallow_is_refused() -> None:
    with pytest.raises(ValueError, match="swallows"):
        put("A='b\n", "C", " # d")


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("close", ["{}", "# the users{}", "B={}{}", "B={}b{}", "B={}b"])
def test_a_forgotten_quote_hides_no_setting_behind_it(quote: str, close: str) -> None:
    text = f"A={quote}b\nexport VOICEMODE_ECHO=off\n{close.replace('{}', quote)}\nVOICEMODE_MIC=null:\n"
    (at, said), *_ = faults(text)
    assert (at, "a quote that is not closed" in said) == (1, True)
    assert values(text)["VOICEMODE_ECHO"] == "off"
    assert values(text)["VOICEMODE_MIC"] == "null:"


@pytest.mark.parametrize("value", ["\0", "\r", "\x1b", "\x85"])
def test_control_characters_are_not_written(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be printed"):
        quoted(value)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t")))
def test_what_is_written_is_read_again(value: str) -> None:
    assert values(f"A={quoted(value)}\n") == {"A": value}


@given(st.dictionaries(NAMES, PRINTABLE), NAMES, PRINTABLE)
def test_one_value_changes_and_no_other(before: dict[str, str], name: str, value: str) -> None:
    text = "".join(f"# {each}\n{each}={quoted(said)}\n" for each, said in before.items())
    after = put(text, name, value)
    assert values(after) == {**before, name: value}
    assert put(after, name, value) == after
    assert values(remove(after, name)) == {each: said for each, said in before.items() if each != name}


SOUP = st.lists(st.sampled_from(["A", "=", "'", '"', "\\", "\n", "\r", "#", " ", "export ", "b", "$", "\0", "é"])).map(
    "".join
)


@given(st.one_of(st.text(), SOUP))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = scan(text)
    assert all(one.end <= other.begin for one, other in pairwise(found))
    assert all(each.begin <= each.after <= each.until <= each.end for each in found)


@given(SOUP, PRINTABLE)
def test_in_no_file_a_change_does_harm(text: str, value: str) -> None:
    try:
        after = put(text, "B", value)
    except ValueError:
        return
    assert values(after)["B"] == value
    assert {name: said for name, said in values(after).items() if name != "B"} == {
        name: said for name, said in values(text).items() if name != "B"
    }
