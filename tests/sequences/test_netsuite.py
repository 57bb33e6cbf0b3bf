"""NetSuite: files in a bucket and in mails; good, late, repeated, moved, growing, cut and forged ones."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from bot.cli.stories import truths
from bot.cli.stories.truths import Account, Records, Rows
from connectors.base import Connector
from connectors.netsuite.connector import NetSuiteConnector
from sandbox.providers.netsuite import AMERICAN, GERMAN, RULES, Mailed, NetSuite
from storage.credentials import Credentials
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from tests.sequences.frame import Deployment, play
from tests.sequences.plans import LIVELY, Plan, played
from tests.sequences.sides import Connection, Side

REPLACES = ("nothing", "all", "period")
NAME = "FEEDGLDetail.csv"


class Bucket(Side):
    """An account that delivers files; `way` says in which form, and what a file replaces."""

    provider = Provider.NETSUITE

    def __init__(self, folder: Path, way: int) -> None:
        super().__init__()
        self._root = folder
        self._style = (AMERICAN, GERMAN)[way % 2]
        self._replaces = REPLACES[way % 3]
        self._bad: list[Path] = []
        self._number = 0
        self.beside = frozenset(one.name for one in NetSuiteConnector().streams) - {"transaction_lines"}

    @contextlib.asynccontextmanager
    async def served(self, organization_id: str) -> AsyncIterator[Connection]:
        self.account = NetSuite(self._root / organization_id, self.clock)
        self.account.folder.mkdir(parents=True)
        self.account.post(10, self.clock.now().date().replace(day=1))
        # More digits than a binary fraction of eight bytes holds.
        next(iter(self.account.lines.values()))["amount"] = Decimal("900719925474099.31")
        self.arrives()
        environment = {"netsuite_folder": str(self._root), "files_folder": str(self._root)}
        yield Connection("main", Credentials(Secret(json.dumps(self._declared()))), environment)

    def _declared(self) -> object:
        return {"feeds": [self.account.feed(self._style, **self._replacing)]}

    @property
    def _replacing(self) -> dict[str, str]:
        return {"replaces": self._replaces, "period": "Period" if self._replaces == "period" else ""}

    def _ledger(self) -> bytes:
        return self.account.csv(self._style)

    def _delivers(self, minutes: float) -> None:
        """Deliver a good file, which is then the one that may come late."""
        self._older = self._ledger()
        self.account.deliver(self._older, at=self._at(minutes))

    def _at(self, minutes: float) -> datetime:
        return (self.clock.now() - timedelta(minutes=minutes)).replace(microsecond=0)

    def connector(self) -> Connector:
        return NetSuiteConnector()

    def happens(self, chance: Random) -> None:
        month = self.clock.now().date().replace(day=1)
        self.account.post(1 + chance.randrange(2), month.replace(month=month.month - chance.randrange(2)))
        self.account.mutate(changed=3, removed=0 if self._replaces == "nothing" else chance.randrange(3))
        if chance.random() < 0.6:
            self._delivers(10)

    def fails(self, chance: Random) -> None:
        """Deliver an old file late or anew, the beginning of one, or one that cannot be read."""
        match chance.randrange(3):
            case 0:
                self.account.deliver(self._older, at=self._at(500), written=self._at(7))
            case 1:
                body = self._ledger()[:-20]
                self._bad.append(self.account.deliver(body, at=self._at(5), written=self.clock.now()))
            case _:
                self._bad.append(self.account.deliver(b"\x1f\x8bno gzip", at=self._at(7)))

    def heals(self) -> None:
        for path in self._bad:
            path.unlink(missing_ok=True)
        self._bad.clear()

    def arrives(self) -> None:
        self._delivers(5)

    def truth(self, until: datetime) -> Iterable[Records | Rows]:
        _ = until
        return (one for one in truths.netsuite(Account(self.account)) if one.stream not in self.beside)


class Mails(Bucket):
    """An account that mails its searches; a mail is there whole."""

    def _declared(self) -> object:
        feed = self.account.feed(self._style, pattern="FEEDGL*.csv*", **self._replacing)
        return {"feeds": [feed], "mail": RULES}

    def _mail(self, minutes: float, body: bytes) -> Mailed:
        at = self._at(minutes)
        return Mailed(at, [(NAME, body)], message_id=f"<{at.timestamp():.0f}@netsuite.invalid>")

    def _put(self, mail: Mailed, raw: bytes | None = None) -> Path:
        self._number += 1
        path = self.account.folder / f"{self._number}.eml"
        assert mail.sent is not None
        self.account.write(path, raw or mail.raw, mail.sent + timedelta(seconds=10))
        return path

    def _delivers(self, minutes: float) -> None:
        self._older_mail = self._mail(minutes, self._ledger())
        self._put(self._older_mail)

    def fails(self, chance: Random) -> None:
        """Let the last mail come again, its file anew, all mails elsewhere, one cut, or one from somebody else."""
        older = self._older_mail
        match chance.randrange(5):
            case 0:
                self._put(older)
            case 1:
                self._put(replace(older, message_id=f"<late-{self._number}@netsuite.invalid>"))
            case 2:
                for path in sorted(self.account.folder.iterdir()):
                    path.rename(path.with_name(f"{chance.randrange(10**9)}-{path.name[-40:]}"))
            case 3:
                mail = self._mail(7, self._ledger())
                self._bad.append(self._put(mail, mail.raw[:-400]))
            case _:
                lines = self._ledger().splitlines(keepends=True)
                forged = self._mail(3, b"".join(lines[:1] + lines[-2:]))
                strange = replace(forged, sender="x@evil.example")
                self._put(strange if chance.random() < 0.5 else replace(forged, results=[]))


@played(LIVELY)
async def test_any_sequence_of_files_ends_in_what_the_account_has(
    deployment: Deployment, tmp_path: Path, plan: Plan
) -> None:
    await play(deployment, Bucket(tmp_path / "in", plan[0][0].seed), plan)


@played(LIVELY)
async def test_any_sequence_of_mails_ends_in_what_the_account_has(
    deployment: Deployment, tmp_path: Path, plan: Plan
) -> None:
    await play(deployment, Mails(tmp_path / "in", plan[0][0].seed), plan)
