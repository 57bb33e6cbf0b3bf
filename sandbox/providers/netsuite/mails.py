"""Scheduled saved searches as mails, as the customer's receiving server hands them on: its findings stand on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

SENDER = "reports@temeritygoods.example"
RECEIVER = "mx.temeritygoods.example"
#: what a feed's source must declare to take them
RULES = {"receiver": RECEIVER, "senders": [SENDER]}


@dataclass(frozen=True)
class Mailed:
    """One mail; `raw` builds it. What is empty is left out."""

    sent: datetime | None
    files: Sequence[tuple[str, bytes]] = ()
    sender: str = f"Temerity Goods <{SENDER}>"
    subject: str = "Search: FEED GL Detail"
    message_id: str = "<1@netsuite.invalid>"
    #: Authentication-Results from the top; None: a good one of the receiving server
    results: Sequence[str] | None = None
    #: headers that stand below
    more: Sequence[tuple[str, str]] = ()
    #: text/html instead of plain text
    html: bool = False
    #: a whole mail that is forwarded within this one
    inner: bytes = b""

    @property
    def raw(self) -> bytes:
        """Return the mail as it lies in the mailbox."""
        mail = EmailMessage()
        for name, value in (("From", self.sender), ("To", "feeds@temeritygoods.example"), ("Subject", self.subject)):
            mail[name] = value
        if self.sent:
            mail["Date"] = format_datetime(self.sent)
        if self.message_id:
            mail["Message-ID"] = self.message_id
        mail.set_content("<p>Done.</p>" if self.html else "Done.\n", subtype="html" if self.html else "plain")
        for name, body in self.files:
            mail.add_attachment(body, maintype="application", subtype="octet-stream", filename=name)
        if self.inner:
            within = EmailMessage()
            within["From"], within["Subject"] = self.sender, "within"
            within.set_content("text")
            within.add_attachment(self.inner, maintype="text", subtype="csv", filename="FEEDGLDetail.csv")
            mail.add_attachment(within)
        return self._on_top() + mail.as_bytes(policy=policy.SMTP)

    def _on_top(self) -> bytes:
        found = [good()] if self.results is None else self.results
        lines = [f"Authentication-Results: {one}" for one in found]
        lines.insert(
            1, f"Received: from out.netsuite.invalid by {RECEIVER} with ESMTPS; Fri, 20 Nov 2026 06:00:14 -0800"
        )
        lines += [f"{name}: {value}" for name, value in self.more]
        return "".join(f"{line}\r\n" for line in lines).encode()


def good(domain: str = "temeritygoods.example", receiver: str = RECEIVER) -> str:
    """Return what a receiving server says of a mail that its sender's domain signed."""
    return (
        f"{receiver}; spf=pass (google.com: says so) smtp.mailfrom=bounce@netsuite.invalid;\r\n"
        f" dkim=pass (2048-bit key) header.d={domain} header.s=ns"
    )
