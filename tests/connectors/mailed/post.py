"""A NetSuite that mails its searches, a mailbox that is a folder of mails, and a connection that reads there."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.providers.netsuite import RULES, Mailed
from tests.connectors.netsuite.place import ORGANIZATION, Place, place

NAME = "FEEDGLDetail.csv"


@dataclass
class Post:
    """Both ends."""

    here: Place
    folder: Path

    def feed(self, **more: Any) -> dict[str, Any]:
        """Declare the ledger's mails."""
        return self.here.netsuite.feed(pattern="FEEDGL*.csv*", **more)

    def declare(self, *feeds: dict[str, Any], **rules: Any) -> None:
        """Change what is declared."""
        self.here.declare(*(feeds or (self.feed(),)), mail={**RULES, **rules})

    def mail(self, minutes: float, **more: Any) -> Mailed:
        """Return a mail of the ledger as it is now."""
        at = self.here.at(minutes)
        made = Mailed(at, [(NAME, self.here.netsuite.csv())], message_id=f"<{at.timestamp():.0f}@netsuite.invalid>")
        return replace(made, **more)

    def put(self, mail: Mailed | bytes, name: str = "", received: datetime | None = None) -> Path:
        """Let a mail arrive: ten seconds after it was sent, unless said otherwise."""
        raw = mail if isinstance(mail, bytes) else mail.raw
        sent = mail.sent if isinstance(mail, Mailed) else None
        path = self.folder / (name or f"{len(list(self.folder.iterdir()))}.eml")
        at = received or (sent or self.here.at(5)) + timedelta(seconds=10)
        self.here.netsuite.write(path, raw, at)
        return path

    @property
    def aside(self) -> dict[str, str]:
        """Mails that were put aside, and why."""
        rows = self.here.rows("files").values()
        return {row["path"]: row["fate"] for row in rows if row["fate"].startswith("put aside: ")}


def post(folder: Path, **feed: Any) -> Post:
    """Make both ends."""
    here = place(folder)
    made = Post(here, folder / ORGANIZATION)
    made.declare(made.feed(**feed))
    return made
