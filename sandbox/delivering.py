"""A NetSuite account whose saved search goes into the demo's bucket, as a file or as a mail, when somebody says so."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.providers.netsuite import RECEIVER, SENDER, Bucket, Mailed, NetSuite

#: where files lie, and where mails do
FILES, MAILS = "netsuite", "reports"
_SINCE = timedelta(minutes=2)


@dataclass
class Delivering:
    """The general ledger of Temerity Goods, delivered twice over: as CSV, and attached to mails."""

    bucket: Bucket
    account: NetSuite = field(init=False)

    def __post_init__(self) -> None:
        self.account = NetSuite(Path(), self.bucket.clock)

    def file(self) -> str:
        """Post some transactions and put the whole ledger into the bucket; return what was done."""
        at, body = self._written()
        name = f"gl_{at:%Y%m%dT%H%M%SZ}.csv"
        self.bucket.put(f"{FILES}/{name}", body, at)
        return f"NetSuite's ledger, {len(self.account.lines)} lines, lies in the bucket as {FILES}/{name}"

    def mail(self) -> str:
        """Post some transactions and mail the whole ledger; return what was done."""
        at, body = self._written()
        raw = Mailed(at, [("FEEDGL.csv", body)], message_id=f"<{at:%Y%m%d%H%M%S%f}@netsuite.invalid>").raw
        self.bucket.put(f"{MAILS}/{at:%Y%m%dT%H%M%S}.eml", raw, at)
        return f"NetSuite mailed its ledger, {len(self.account.lines)} lines; the mail lies in the bucket's {MAILS}"

    def how(self, url: str) -> str:
        """Return what a person types into the form."""
        key = f"Bucket {self.bucket.name}, address {url}, key id {self.bucket.key_id}, secret key {self.bucket.secret}"
        mails = f"folder {MAILS}, senders {SENDER}, receiving server {RECEIVER}"
        return (
            f"To connect it, first deliver something, then /data connect as Daniel Kim. {key}. NetSuite via bucket:"
            f" folder {FILES}. NetSuite via email reports (a rule of the mail provider puts them there): {mails}."
            " Fill the feed in from the newest file that lies there."
        )

    def _written(self) -> tuple[datetime, bytes]:
        now = self.bucket.clock.now().replace(microsecond=0)
        self.account.post(20, now.date().replace(day=1))
        return now - _SINCE, self.account.csv()
