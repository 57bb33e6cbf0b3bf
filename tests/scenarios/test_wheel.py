"""The built wheel, installed elsewhere, plays the demo: nothing that the program needs stays behind in the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
def test_the_installed_wheel_plays_the_refresh_story(tmp_path: Path) -> None:
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", str(_ROOT), str(source)], check=True)
    _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)], source)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = _run([sys.executable, "-c", "import bot, sandbox; print(bot.__file__)"], elsewhere, installed)
    assert found.startswith(str(installed))
    told = _run([sys.executable, "-m", "bot.cli", "demo", "--headless", "--check", "refresh"], elsewhere, installed)
    assert "mail for Maya" in told
    assert told.count("ok  ") >= 7
    assert "nothing twice" in told


def _run(command: list[str], folder: Path, path: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONWARNINGS": "default"} | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
