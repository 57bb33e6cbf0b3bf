"""The mail stand-in: what it keeps, and how it fails at each step."""

import asyncio
import smtplib
from email.message import EmailMessage

import aiosmtplib
import pytest

from sandbox.mail import MailSink


@pytest.fixture
async def mail():
    async with MailSink().serve() as sink:
        yield sink


def letter(to="maya@temeritygoods.example", message_id="<ready-1@tidings.example>"):
    message = EmailMessage()
    message["From"] = "Tidings <tidings@tidings.example>"
    message["To"] = to
    message["Subject"] = "Données prêtes: Shopify"
    message["Message-ID"] = message_id
    message.set_content("Plain words\n")
    message.add_alternative("<p>Rich <b>words</b></p>", subtype="html")
    return message


async def send(mail, message=None, seconds=60.0):
    await aiosmtplib.send(message or letter(), hostname=mail.host, port=mail.port, timeout=seconds)


async def test_a_message_is_kept_as_it_came(mail):
    await send(mail)
    [kept] = mail.to("maya@temeritygoods.example")
    assert (kept.subject, kept.to, kept.message_id) == (
        "Données prêtes: Shopify", "maya@temeritygoods.example", "<ready-1@tidings.example>")  # fmt: skip
    assert (kept.text.strip(), kept.html.strip()) == ("Plain words", "<p>Rich <b>words</b></p>")
    assert b"Message-ID: <ready-1@tidings.example>" in kept.raw
    assert kept.origin.startswith("Tidings")
    assert kept.accepted_at.tzinfo is not None
    assert kept.wire()["headers"]["Subject"] == kept.subject


async def test_a_second_message_with_one_id_is_a_duplicate(mail):
    await send(mail)
    await send(mail, letter(message_id="<other@tidings.example>"))
    assert mail.duplicates() == {}
    await send(mail)
    assert mail.duplicates() == {"<ready-1@tidings.example>": 2}


async def test_authentication_is_accepted(mail):
    await aiosmtplib.send(letter(), hostname=mail.host, port=mail.port, username="any", password="any", timeout=60)
    assert len(mail.messages) == 1


@pytest.mark.parametrize(
    "kind,code,error",
    [
        ("refuse_recipient", 550, aiosmtplib.SMTPRecipientsRefused),
        ("refuse_connection", 421, aiosmtplib.SMTPException),
        ("tempfail", 451, aiosmtplib.SMTPDataError),
    ],
)
async def test_refusals_keep_nothing(mail, kind, code, error):
    mail.lie(kind)
    with pytest.raises(error, match=str(code)):
        await send(mail)
    assert mail.messages == []
    await send(mail)
    assert len(mail.messages) == 1


@pytest.mark.parametrize("kind,kept", [("drop_after_data", 0), ("accept_drop", 1)])
async def test_a_connection_that_dies_before_the_answer(mail, kind, kept):
    mail.lie(kind)
    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await send(mail)
    assert len(mail.messages) == kept


@pytest.mark.parametrize("kind,kept", [("hang", 0), ("accept_hang", 1)])
async def test_a_server_that_never_answers(mail, kind, kept):
    mail.lie(kind)
    with pytest.raises((aiosmtplib.SMTPException, TimeoutError)):
        await send(mail, seconds=1.0)
    assert len(mail.messages) == kept


async def test_a_late_accept_is_kept_after_the_sender_gave_up(mail):
    mail.lie("late_accept", seconds=1.5)
    with pytest.raises((aiosmtplib.SMTPException, TimeoutError)):
        await send(mail, seconds=0.5)
    assert mail.messages == []
    await mail.wait_for(lambda: mail.messages, timeout=60)


async def test_a_lie_can_be_for_one_recipient(mail):
    mail.lie("tempfail", recipient="noor@temeritygoods.example", times=None)
    await send(mail)
    with pytest.raises(aiosmtplib.SMTPDataError):
        await send(mail, letter("noor@temeritygoods.example"))
    mail.stop_lying()
    await send(mail, letter("noor@temeritygoods.example"))
    with pytest.raises(ValueError, match="no such lie"):
        mail.lie("explode")


async def test_waiting_in_vain_says_what_is_there(mail):
    await send(mail)
    with pytest.raises(TimeoutError, match="Shopify"):
        await mail.wait_for(lambda: mail.to("nobody@example.com"), timeout=0.05)


async def test_a_sender_that_sends_again_without_an_id_of_its_own_is_seen(mail):
    """The twin: a sender that makes a new Message-ID for each attempt is not caught as a duplicate, so counts are."""
    mail.lie("accept_drop")
    for number in range(2):
        try:
            await send(mail, letter(message_id=f"<{number}@tidings.example>"))
        except (aiosmtplib.SMTPException, OSError):
            continue
    assert mail.duplicates() == {}
    assert len(mail.to("maya@temeritygoods.example")) == 2


async def test_a_plain_client_without_eight_bit_works(mail):
    def old() -> None:
        with smtplib.SMTP(mail.host, mail.port, local_hostname="localhost", timeout=60) as client:
            client.sendmail("a@b.example", ["c@d.example"], b"Subject: old\r\n\r\nbody\r\n")

    await asyncio.to_thread(old)
    assert mail.messages[0].html == ""
    assert mail.messages[0].message_id == ""
