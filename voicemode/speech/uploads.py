"""Whether an endpoint is sent utterances while they are being said.  In: a choice, what is learnt.  Out: yes or no."""

from __future__ import annotations

from typing import Self

from attrs import define

from actors.errors import SettingsError

CHOICES = ("auto", "live", "whole")


@define
class Uploads:
    """Of one endpoint.  ``choice`` is one of CHOICES; "auto" is live where the endpoint says that it likes that.

    ``announced``: it does.  ``proven``: it has understood an utterance that was sent so.  ``refused``: it took one only
    when that was sent whole.
    """

    choice: str = "auto"
    announced: bool = False
    proven: bool = False
    refused: bool = False

    @classmethod
    def parse(cls, choice: str) -> Self:
        """Raises SettingsError."""
        if choice not in CHOICES:
            raise SettingsError(f"An utterance's upload is {', '.join(CHOICES[:-1])} or {CHOICES[-1]}, not {choice!r}.")
        return cls(choice)

    @property
    def live(self) -> bool:
        return not self.refused and (self.choice == "live" or (self.choice == "auto" and self.announced))
