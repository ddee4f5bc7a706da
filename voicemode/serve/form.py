"""A form with a file in it: the bytes of a multipart/form-data body in, what each of its fields holds out.

What a body looks like is in RFC 7578; python-multipart takes it apart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .exchange import Exchange
from .refusal import Refusal


class Form:
    """The fields by name, all in memory, in the stretches they came in."""

    def __init__(self) -> None:
        self._fields: dict[str, list[list[bytes]]] = {}
        self._whole = False
        self._header: tuple[bytes, bytes] = (b"", b"")
        self._disposition = b""
        self._value: list[bytes] = []

    @classmethod
    async def read(cls, exchange: Exchange, *, most: int, small: int, room: Callable[[], Awaitable[object]]) -> Form:
        """Before it has more than ``small`` bytes there has to be ``room``, and in any case in the end.

        Raises Refusal for a body that is no form or has more than ``most`` bytes."""
        kind, options = parse_options_header(exchange.header(b"content-type"))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise Refusal(400, "Send the recording as multipart/form-data, in the field 'file'.")
        form = cls()
        try:
            parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": form._begin_part,
                    "on_header_field": form._take_header_name,
                    "on_header_value": form._take_header_value,
                    "on_header_end": form._end_header,
                    "on_headers_finished": form._begin_value,
                    "on_part_data": form._take_value,
                    "on_end": form._end,
                },
            )
            await exchange.read_body(parser.write, most=most, small=small, room=room)
        except FormParserError as error:
            raise Refusal(400, "The form is damaged: it cannot be taken apart at its boundaries.") from error
        if not form._whole:
            raise Refusal(400, "The form is cut short: its last boundary is missing.")
        return form

    def data(self, name: str) -> list[bytes]:
        """What ``name`` holds, in stretches that are not empty; the last when it is there more than once."""
        return self._fields[name][-1] if name in self._fields else []

    def text(self, name: str) -> str | None:
        """The same as text; None for a field that is empty or not there."""
        return next(reversed(self.texts(name)), None)

    def texts(self, name: str) -> list[str]:
        """All that ``name`` holds, also where it is spelt as a list, ``name[]``.  Raises Refusal."""
        values = [*self._fields.get(name, ()), *self._fields.get(f"{name}[]", ())]
        try:
            return [b"".join(value).decode() for value in values if value]
        except UnicodeDecodeError as error:
            raise Refusal(400, f"What {name!r} holds is not valid UTF-8.", param=name) from error

    def _begin_part(self) -> None:
        self._disposition = b""

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name + data[start:end], value)

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name, value + data[start:end])

    def _end_header(self) -> None:
        name, value = self._header
        self._header = (b"", b"")
        if name.lower() == b"content-disposition":
            self._disposition = value

    def _begin_value(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode(errors="replace")
        self._value = []
        self._fields.setdefault(name, []).append(self._value)

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value.append(data[start:end])

    def _end(self) -> None:
        self._whole = True
