"""The pages for operators agree with the program: events, commands and variables that they name exist."""

import re
from pathlib import Path

from typer.main import get_command

from bot.cli.app import app
from storage.settings import Settings

ROOT = Path(__file__).parents[3]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_LOGGED = re.compile(r"\blog(?:ger)?\.(info|warning|error|exception)\(\s*\"([a-z_]+)\"")


def events() -> dict[str, str]:
    """Return every logged event of the program with its level."""
    found: dict[str, str] = {}
    for package in ("bot", "jobs", "connectors", "storage"):
        for file in (ROOT / package).rglob("*.py"):
            found |= {name: level for level, name in _LOGGED.findall(file.read_text(encoding="utf-8"))}
    return found


def documented() -> set[str]:
    table = OPERATIONS[OPERATIONS.index("## Log events") :]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}


def test_every_event_in_the_table_is_logged_somewhere() -> None:
    assert documented() <= set(events())


def test_every_event_that_deserves_a_look_is_in_the_table() -> None:
    wanted = {name for name, level in events().items() if level != "info"}
    assert wanted - documented() == set(), "add them to docs/operations.md, with what to do"


def test_every_command_and_variable_in_the_pages_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    text = OPERATIONS + (ROOT / "docs" / "guide.md").read_text(encoding="utf-8") + (ROOT / ".env.example").read_text()
    named = set(re.findall(r"(?:`|^|&& )tidings ([a-z]+)", text, re.MULTILINE))
    assert len(named) >= 9
    assert named <= commands
    variables = set(re.findall(r"`([A-Z][A-Z_]{3,})[`=]", OPERATIONS))
    assert variables <= {name.upper() for name in Settings.model_fields}
