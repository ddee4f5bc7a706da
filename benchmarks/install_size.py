"""What a plain ``pip install .`` brings: the distributions and their megabytes, in a fresh environment of its own.

Asserts that torch is not among them and that all of it stays under the budget.  Run it alone; it needs the network.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUDGET = 300
"""Megabytes (10^6 bytes) on disk, byte code included, without pip."""


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        venv.create(environment, with_pip=True, symlinks=True)
        bare = size(environment)
        pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--compile", str(ROOT)], check=True)
        (packages,) = environment.glob("lib/python3.*/site-packages")
        installed = sorted(f"{found.name} {found.version}" for found in distributions(path=[str(packages)]))
        with_pip = size(environment) / 1e6
        without_pip = with_pip - bare / 1e6

    print("\n".join(installed))
    print(f"Python {sys.version.split()[0]} on {sys.platform}: {without_pip:.0f} MB, {with_pip:.0f} MB with pip")
    assert not any(name.startswith("torch ") for name in installed), "torch came along"
    assert without_pip < BUDGET, f"more than {BUDGET} MB"


if __name__ == "__main__":
    main()
