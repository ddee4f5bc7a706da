from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from actors.errors import AudioFileError, SettingsError
from voicemode.audio.file_microphone import FileMicrophone
from voicemode.audio.file_speaker import FileSpeaker
from voicemode.audio.portaudio_microphone import PortAudioMicrophone
from voicemode.audio.portaudio_speaker import PortAudioSpeaker
from voicemode.audio.uri import microphone_from, speaker_from
from voicemode.audio.virtual_microphone import NullMicrophone
from voicemode.audio.virtual_speaker import NullSpeaker

RECORDING = Path(__file__).parent.parent / "audio" / "librivox-0880.wav"


@pytest.mark.parametrize(
    "name",
    ["a.wav", "with space.wav", "a#b.wav", "100%.wav", "50%25.wav", "what?.wav", "a+b.wav", "ä.wav", "x?start=0"],
)
async def test_a_path_that_exists_as_typed_needs_no_escapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copy(RECORDING, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert isinstance(await microphone_from(f"file:{tmp_path / name}"), FileMicrophone)
    assert isinstance(await microphone_from(f"file:{name}"), FileMicrophone)
    assert isinstance(await microphone_from(f"FILE:{name}?start=speech+1.5"), FileMicrophone)
    assert isinstance(await microphone_from((tmp_path / name).as_uri()), FileMicrophone)


async def test_what_was_typed_goes_before_what_it_could_stand_for(tmp_path: Path) -> None:
    shutil.copy(RECORDING, tmp_path / "a%20b.wav")
    shutil.copy(RECORDING.with_name("librivox-0870.wav"), tmp_path / "a b.wav")
    microphone = await microphone_from(f"file:{tmp_path}/a%20b.wav?start=0")
    assert isinstance(microphone, FileMicrophone)
    async with microphone.open(16_000):
        assert [sound.seconds for _, sound in microphone.placed] == [2.99]


async def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(RECORDING, tmp_path / "a.wav")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert isinstance(await microphone_from("file:~/a.wav"), FileMicrophone)


async def test_the_microphone_is_ready_for_the_rate_that_is_listened_at() -> None:
    microphone = await microphone_from(f"file:{RECORDING.parent / 'lj001-0008.wav'}?start=0")
    assert isinstance(microphone, FileMicrophone)
    async with microphone.open(16_000):
        assert [sound.rate for _, sound in microphone.placed] == [16_000]


async def test_null_is_a_device_of_either_kind() -> None:
    assert isinstance(await microphone_from("null:"), NullMicrophone)
    assert isinstance(await speaker_from("null:"), NullSpeaker)


@pytest.mark.parametrize(
    ("uri", "device", "rate"),
    [
        ("portaudio:", None, None),
        ("PortAudio:3", 3, None),
        ("portaudio:USB Headset", "USB Headset", None),
        ("portaudio:USB%20Headset", "USB Headset", None),
        ("portaudio:50%25 loud%3F (hw:0,0)?rate=48000", "50% loud? (hw:0,0)", 48_000),
        ("portaudio:?rate=44100", None, 44_100),
        ("portaudio:12345", "12345", None),
    ],
)
async def test_a_sound_card_is_the_default_or_has_a_number_or_a_name(
    uri: str, device: int | str | None, rate: int | None
) -> None:
    microphone, speaker = await microphone_from(uri), await speaker_from(uri)
    assert isinstance(microphone, PortAudioMicrophone)
    assert isinstance(speaker, PortAudioSpeaker)
    assert (microphone.device, microphone.rate) == (speaker.device, speaker.rate) == (device, rate)


@pytest.mark.parametrize("name", ["out.wav", "my out.wav", "100%.wav", "a#b.wav", "a%20b.wav"])
async def test_a_speaker_writes_where_it_is_told(tmp_path: Path, name: str) -> None:
    speaker = await speaker_from(f"file:{tmp_path}/{name}")
    assert isinstance(speaker, FileSpeaker)
    async with speaker.open(16_000):
        pass
    assert (tmp_path / name).is_file()


async def test_a_programs_escapes_are_read_in_a_full_uri(tmp_path: Path) -> None:
    speaker = await speaker_from((tmp_path / "my out.wav").as_uri())
    assert isinstance(speaker, FileSpeaker)
    assert speaker.path == tmp_path / "my out.wav"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("a.wav", r"write portaudio:, portaudio:NAME, file:PATH, file:PATH\?start=0\|listen\|speech\+SECONDS or null:"),
        ("", "write portaudio:"),
        ("alsa:", "write portaudio:, portaudio:NAME, file:PATH"),
        ("portaudio:?rat=48000", "Unknown option 'rat': a portaudio: device takes only rate"),
        ("portaudio:?rate=fast", "rate=fast is not a device's rate; write rate=HZ, from 8000 to 192000"),
        ("portaudio:?rate=7999", "is not a device's rate"),
        ("portaudio:?rate=²²²²²", "is not a device's rate"),
        ("https://example.org/a.wav", "write portaudio:"),
        ("file:", "needs a path"),
        ("file:?start=0", "needs a path"),
        ("file://a.wav", "names another computer"),
        ("null:x", "takes nothing after the colon"),
        ("file:a.wav?begin=0", "Unknown option 'begin': a file: microphone takes only start"),
        ("file:a.wav?start=soon", "start=soon is not a start"),
        ("file:a.wav?start=speech 1", "is not a start"),
        ("file:a.wav?start", "start= is not a start"),
    ],
)
async def test_a_microphone_that_cannot_be_is_refused_with_what_can(uri: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        await microphone_from(uri)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("out.wav", "is not a speaker; write portaudio:, portaudio:NAME, file:PATH or null:"),
        ("file:", "needs a path"),
        ("file:out.wav?start=0", "a file: speaker takes none"),
        ("null:0", "takes nothing"),
    ],
)
async def test_a_speaker_that_cannot_be_is_refused_with_what_can(uri: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        await speaker_from(uri)


async def test_a_missing_file_is_told_before_anything_opens(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="There is no audio file"):
        await microphone_from(f"file:{tmp_path}/missing.wav?start=0")
    with pytest.raises(AudioFileError):
        await microphone_from(f"file:{tmp_path}/{'x' * 300}.wav")
    with pytest.raises(AudioFileError, match="not a possible file name"):
        await microphone_from("file:///a%00.wav")
    with pytest.raises(AudioFileError, match="there is no directory"):
        await speaker_from(f"file:{tmp_path}/no/a.wav")
