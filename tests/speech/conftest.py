"""Human speech for the engines, as fixtures."""

from __future__ import annotations

import pytest

from tests.speech.human_speech import TRANSCRIPTS, Recording, recording


@pytest.fixture(params=sorted(TRANSCRIPTS))
def human(request: pytest.FixtureRequest) -> Recording:
    return recording(request.param)


@pytest.fixture
def short_human() -> Recording:
    return recording("lj001-0008.wav")


@pytest.fixture
def long_human() -> Recording:
    return recording("librivox-0870.wav")
