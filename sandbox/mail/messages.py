"""One accepted message, parsed."""

import base64
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Mail:
    """A message as it was accepted; `raw` is what came over the wire."""

    #: position in the inbox, from 1
    number: int
    #: envelope, not headers
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    accepted_at: datetime

    @cached_property
    def parsed(self) -> EmailMessage:
        """The message as Python's e-mail library reads it."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.parsed["Subject"] or "")

    @property
    def to(self) -> str:
        """The `To` header."""
        return str(self.parsed["To"] or "")

    @property
    def origin(self) -> str:
        """The `From` header."""
        return str(self.parsed["From"] or "")

    @property
    def message_id(self) -> str:
        """The `Message-ID` header; two accepted messages with one are a duplicate."""
        return str(self.parsed["Message-ID"] or "").strip()

    @property
    def headers(self) -> dict[str, str]:
        """All headers; of repeated ones the last."""
        return {name: str(value) for name, value in self.parsed.items()}

    @property
    def text(self) -> str:
        """The plain text part, empty where there is none."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML part, empty where there is none."""
        return self._part("html")

    def shown(self) -> str:
        """Return the HTML as a mail program shows it: with the pictures that came in the mail."""
        page = self.html
        for part in self.parsed.walk():
            name = str(part["Content-ID"] or "").strip("<> ")
            if name and part.get_content_maintype() == "image":
                content = base64.b64encode(part.get_content()).decode()
                page = page.replace(f'"cid:{name}"', f'"data:{part.get_content_type()};base64,{content}"')
        return page

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "number": self.number,
            "sender": self.sender,
            "recipients": list(self.recipients),
            "accepted_at": self.accepted_at.isoformat(),
            "message_id": self.message_id,
            "subject": self.subject,
            "headers": self.headers,
            "text": self.text,
            "html": self.html,
        }

    def _part(self, kind: str) -> str:
        body = self.parsed.get_body(preferencelist=(kind,))
        return str(body.get_content()) if body is not None else ""
