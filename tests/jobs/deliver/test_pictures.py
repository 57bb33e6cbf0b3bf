"""A mail with charts carries its pictures, and a mail program finds them by name."""

from email import message_from_bytes
from email.policy import default

from bot.cli.samples.catalogue import messages
from jobs.deliver.mail import build
from sandbox.mail.messages import Mail
from storage.facts.clock import SystemClock
from templates import mail


def written(letter: mail.Mail) -> bytes:
    return build("Tidings <tidings@tidings.example>", "maya@temerity.example", letter, "<1@x>", SystemClock().now())


def test_the_pictures_come_with_the_mail() -> None:
    letter = mail.with_pictures(mail.render(messages()["history_charts"]))
    raw = written(letter)
    parsed = message_from_bytes(raw, policy=default)
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/svg+xml", "image/svg+xml",
    ]  # fmt: skip
    attached = [part for part in parsed.walk() if part.get_content_maintype() == "image"]
    assert [str(part["Content-ID"]) for part in attached] == ["<chart0@tidings>", "<chart1@tidings>"]
    assert [part.get_content() for part in attached] == list(letter.pictures)
    shown = Mail(1, "a", ("b",), raw, SystemClock().now()).shown()
    assert shown.count('src="data:image/svg+xml;base64,') == 2
    assert "cid:" not in shown


def test_a_mail_without_charts_is_as_it_was() -> None:
    raw = written(mail.with_pictures(mail.render(messages()["history_none"])))
    parsed = message_from_bytes(raw, policy=default)
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
