"""The one mail sender: builds the message, checks that its headers are the intended ones, and speaks SMTP."""

import re
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from jobs.deliver.fates import Fate, of_mail
from jobs.deliver.results import Accepted, Ambiguous, Refused, Result
from storage.facts.secret import Secret
from templates.mail import Mail, UnsafeHeader, picture_id, safe_header

SEND_SECONDS = 30.0
#: Of one line of a header a mail may have 998 signs.
_LINK = re.compile(r"https?://[A-Za-z0-9.:\-\[\]]{1,260}[A-Za-z0-9/._~=?&%-]{1,500}", re.ASCII)
#: One address, as it stands in an envelope: no name, no quotes, no list, no comment.
_RECIPIENT = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII
)
_SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class HeadersChangedError(RuntimeError):
    """The built message does not carry exactly the intended headers; nothing was sent."""


class MailSender:
    """Sends to one mail server."""

    def __init__(
        self,
        smtp_url: Secret,
        mail_from: str,
        *,
        seconds: float = SEND_SECONDS,
        envelope: Callable[[str, str], str] | None = None,
    ) -> None:
        self._url = smtp_url
        self._from = mail_from
        self._seconds = seconds
        #: to where a mail bounces, by delivery and recipient; else to the sender of all mails
        self._envelope = envelope

    @property
    def configured(self) -> bool:
        """Whether there is a mail server."""
        return bool(self._url)

    def message_id(self, delivery_id: str) -> str:
        """Return the Message-ID of a delivery: the same for every attempt."""
        domain = self._from.rpartition("@")[2].rstrip("> ")
        return f"<{delivery_id}@{domain}>"

    async def send(self, recipient: str, mail: Mail, delivery_id: str, written_at: datetime) -> Result:
        """Send one mail; Ambiguous when the connection died after the text was handed over."""
        message_id = self.message_id(delivery_id)
        try:
            message = build(self._from, recipient, mail, message_id, written_at)
        except (UnsafeHeader, HeadersChangedError) as error:
            return Refused(f"the mail was not safe to send: {error}", final=True)
        parts = urlsplit(self._url.reveal())
        client = aiosmtplib.SMTP(
            hostname=parts.hostname or "localhost",
            port=parts.port or _SCHEMES.get(parts.scheme, 25),
            use_tls=parts.scheme == "smtps",
            start_tls=parts.scheme == "smtp+starttls",
            timeout=self._seconds,
        )
        try:
            await client.connect()
            if parts.username:
                await client.login(unquote(parts.username), unquote(parts.password or ""))
            await client.mail(self._envelope(delivery_id, recipient) if self._envelope else _address(self._from))
            await client.rcpt(recipient)
        except aiosmtplib.SMTPResponseException as error:
            await _leave(client)
            return _refused(error)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            return Refused(f"the mail server cannot be reached: {type(error).__name__}", final=False)
        return await _hand_over(client, message, message_id)


def build(sender: str, recipient: str, mail: Mail, message_id: str, written_at: datetime) -> bytes:
    """Build the message; UnsafeHeader and HeadersChangedError keep a hostile name from becoming a header."""
    if not _RECIPIENT.fullmatch(recipient):
        raise UnsafeHeader("a recipient that is not one plain address")
    headers = {
        "From": sender,
        "To": recipient,
        "Subject": mail.subject,
        "Date": format_datetime(written_at),
        "Message-ID": message_id,
        "Auto-Submitted": "auto-generated",
    }
    message = EmailMessage(policy=SMTP)
    for name, value in headers.items():
        message[name] = safe_header(value)
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    _add_pictures(message, mail)
    turned_off = _turned_off(mail)
    # In front, as they are: the library writes a long address as encoded words, which no mail program can follow.
    raw = b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in turned_off.items()) + message.as_bytes()
    parsed = BytesParser(policy=SMTP).parsebytes(raw, headersonly=True)
    found = [name for name in parsed if name.lower() != "mime-version"]
    if sorted(found) != sorted([*turned_off, *headers, "Content-Type"]):
        raise HeadersChangedError(f"the message would carry other headers: {sorted(found)}")
    return raw


def _add_pictures(message: EmailMessage, mail: Mail) -> None:
    """Put the pictures beside the HTML part, which shows them by their names; nothing is loaded from anywhere."""
    page = message.get_body(("html",))
    assert page is not None
    for number, picture in enumerate(mail.pictures):
        name = picture_id(number)
        page.add_related(picture, "image", "svg+xml", cid=f"<{name}>", disposition="inline",
                         filename=f"chart{number}.svg")  # fmt: skip


def _turned_off(mail: Mail) -> dict[str, str]:
    """Return how a mail program turns off such mails (RFC 2369; RFC 8058 with one click)."""
    if mail.choice is None:
        return {}
    if not _LINK.fullmatch(safe_header(mail.choice.link)):
        raise UnsafeHeader("an address that is none in header text")
    headers = {"List-Unsubscribe": f"<{mail.choice.link}>"}
    if mail.choice.one_click:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


async def _hand_over(client: aiosmtplib.SMTP, message: bytes, message_id: str) -> Result:
    try:
        code, said = await client.data(message)
    except aiosmtplib.SMTPResponseException as error:
        await _leave(client)
        return _refused(error)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        client.close()
        return Ambiguous(f"the mail server went away before it confirmed: {type(error).__name__}")
    await _leave(client)
    return Accepted(message_id, reply=f"{code} {said}")


def _refused(error: aiosmtplib.SMTPResponseException) -> Refused:
    said = f"{error.code} {error.message}"
    fate = of_mail(error.code, error.message, recipient=isinstance(error, aiosmtplib.SMTPRecipientRefused))
    final = fate in {Fate.PLACE, Fate.MESSAGE}
    return Refused(said, final=final, reply=said, dead=fate is Fate.PLACE, set_up=fate is Fate.SET_UP)


async def _leave(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        client.close()


def _address(sender: str) -> str:
    return sender.rpartition("<")[2].rstrip("> ") if "<" in sender else sender
