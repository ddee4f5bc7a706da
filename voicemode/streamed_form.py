"""A form whose file is still being made.  In: fields, and the parts of the file as they come.  Out: the body's parts.

RFC 7578: the fields go first, so that whoever receives them knows what to do with the file; it is the last.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Self


class StreamedForm:
    """An iterator, for one request; ``kind`` is its content type.  ``file`` is a name, the parts, and their type."""

    def __init__(self, fields: Mapping[str, str], file: tuple[str, AsyncIterator[bytes], str]) -> None:
        boundary = secrets.token_hex(16)
        self.kind = f"multipart/form-data; boundary={boundary}"
        name, self._parts, kind = file
        parts = [f'name="{field}"\r\n\r\n{value}\r\n' for field, value in fields.items()]
        parts.append(f'name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n')
        self._head = "".join(f"--{boundary}\r\nContent-Disposition: form-data; {part}" for part in parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        if not self._tail:
            raise StopAsyncIteration
        part = await anext(self._parts, b"")
        if not part:
            part, self._tail = self._tail, b""
        return part
