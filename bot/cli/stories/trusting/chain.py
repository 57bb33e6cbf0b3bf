"""Receipts: the chain of the demo's own database holds; a copy in which one word was changed does not."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot.cli import receipts
from bot.cli.stories.stage import Stage
from storage.facts.receipts import ChainCheck
from storage.records import seeds


async def proved(stage: Stage) -> None:
    """Verify as an auditor does: the database, an exported copy, and one that somebody has changed."""
    checks = await asyncio.to_thread(receipts.in_database, stage.database)
    for name, check in checks.items():
        stage.expect(check.receipts and not check.broken, f"the chain of {name} does not hold: {check}")
    told = "; ".join(receipts.said(name, check) for name, check in checks.items())
    stage.told(f"receipts verify: {told}")
    with tempfile.TemporaryDirectory(prefix="tidings-receipts-") as folder:
        stage.told(await asyncio.to_thread(_copies, stage, Path(folder) / "chain.jsonl"))


def _copies(stage: Stage, file: Path) -> str:
    with stage.database.read() as session:
        (organization,) = seeds.organizations(session)
        written = list(receipts.lines(session, organization.id))
    stage.expect(not _read(file, written).broken, "an exported chain does not hold")
    middle = len(written) // 2
    before, after = written[:middle], written[middle + 1 :]
    one = json.loads(written[middle])
    one["body"] = one["body"].replace("20", "21", 1)
    found = _read(file, [*before, json.dumps(one), *after])
    stage.expect(list(found.broken) == [one["sequence"]], f"a changed receipt was not found out: {found}")
    stage.expect(_read(file, [*before, *after]).broken, "a receipt that was taken out was not missed")
    return f"a changed copy is found out at receipt {one['sequence']} of {len(written)}, and so is a missing one"


def _read(file: Path, chain: Sequence[str]) -> ChainCheck:
    file.write_text("\n".join(chain) + "\n", encoding="utf-8")
    return receipts.in_file(file)
