"""Slack's own bodies, as collected: each one is read, none is refused."""

import os
from pathlib import Path

import pytest

from bot.interaction import Kind, Reader
from bot.payloads import FORM, JSON, parse

CONTRACTS = Path(os.environ.get("CONTRACTS_DIR") or Path(__file__).parents[3] / "shared" / "contracts")
ANSWERED = {
    "block_actions.body.json": Kind.ACTION,
    "events.valid_event_body.json": Kind.MENTION,
    "slash_command.slash_command_body.form.txt": Kind.COMMAND,
}


@pytest.mark.contracts
def test_every_collected_body_is_read() -> None:
    folder = CONTRACTS / "slack" / "payloads"
    if not folder.is_dir():
        pytest.skip("the collected provider contracts are absent: set CONTRACTS_DIR to their folder")
    reader = Reader("https://slack.com/api/")
    kinds = {}
    for path in sorted(folder.iterdir()):
        read = reader.read(parse(path.read_bytes().strip(), JSON if path.suffix == ".json" else FORM))
        kinds[path.name] = read.kind if read else None
    assert len(kinds) > 10
    assert {name: kind for name, kind in kinds.items() if kind is not None} == ANSWERED
