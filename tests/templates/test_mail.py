"""Mail: headers that stay headers, HTML that stays ours, times in the reader's zone."""

import os
import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP, default
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bot.cli.samples.catalogue import messages
from bot.cli.samples.facts import NOW, ZONE, ready
from storage.facts import messages as m
from templates import mail
from templates.mail import UnsafeHeader, safe_header
from tests.templates import nasty

HOSTILE_HEADERS = [
    "Refresh of =?utf-8?q?Acme=0D=0AReply-To:_evil=40x=0D=0A=0D=0A<h1>phish?= done",
    "=?utf-8?b?QWNtZQ0KQmNjOiBldmlsQHg=?=",
    "a\r\nBcc: evil@x", "a\nBcc: evil@x", "a\rBcc: evil@x", "a\x0bBcc: evil@x", "a\x0cb", "a\x00b", "a\x1cb", "a\x85Bcc: evil@x",
    "a\u2028Bcc: evil@x", "a\u2029Bcc: evil@x", "a\u202egnp.exe", "a\u2066b", "a\u200eb", "a\ud800b", "a\x7fb", "\ufeffa",
]  # fmt: skip
VOID = {"meta", "br", "hr", "img", "link", "input", "base"}
LOADING = {
    "src",
    "srcset",
    "background",
    "poster",
    "data",
    "action",
    "formaction",
    "ping",
    "cite",
    "longdesc",
    "manifest",
}


class Page(HTMLParser):
    """Reads a mail as a mail program would, and notes everything that it could load, run or open."""

    def __init__(self, html):
        super().__init__()
        self.open: list[Any] = []
        self.tags: set[Any] = set()
        self.links: list[Any] = []
        self.texts: list[Any] = []
        self.problems: list[Any] = []
        self.feed(html)
        self.close()
        self.problems += [f"left open: {tag}" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        names = [name for name, _ in attrs]
        # Pictures come in the mail itself: nothing else has a source.
        attached = tag == "img" and re.fullmatch(r"cid:chart[0-9]+@tidings", dict(attrs).get("src") or "")
        loading = LOADING - {"src"} if attached else LOADING
        self.problems += [f"attribute {name}" for name in names if name in loading or name.startswith("on")]
        self.problems += ["a picture without words"] if tag == "img" and not dict(attrs).get("alt") else []
        self.problems += [
            f"style loads: {value}"
            for name, value in attrs
            if name == "style" and re.search(r"url\(|expression|@import", value or "")
        ]
        self.links += [value for name, value in attrs if name in {"href", "xlink:href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"wrong end: {tag}")

    def handle_data(self, data):
        self.texts.append(data)


ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "div",
    "table",
    "tr",
    "td",
    "th",
    "h1",
    "p",
    "span",
    "strong",
    "a",
    "br",
    "hr",
    "img",
}


def breaches(html):
    page = Page(html)
    found = list(page.problems)
    found += [f"tag {tag}" for tag in page.tags - ALLOWED]
    found += [f"link {link}" for link in page.links if not link.startswith("https://tidings.example/")]
    style = html[html.index("<style>") : html.index("</style>")]
    return found + re.findall(r"url\([^)]*\)|@import|@font-face", style)


@settings(max_examples=200 if os.environ.get("SOAK") else 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(nasty.whole)
def test_any_message_becomes_a_harmless_mail(message):
    written = mail.render(message, zone="America/New_York")
    assert breaches(written.html) == []
    assert safe_header(written.subject) == written.subject
    assert 0 < len(written.subject) <= 150
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\ud800-\udfff]", written.text)
    written.html.encode()


@pytest.mark.parametrize("length", nasty.LENGTHS)
def test_every_length_fits(length):
    text = "x" * length
    written = mail.render(m.Message(text, (m.Heading(text), m.Paragraph((text,)), m.Facts(((text, (text,)),)))))
    assert len(written.html) < 60_000
    assert breaches(written.html) == []


@pytest.mark.parametrize("name", sorted(messages()))
def test_every_notice_is_a_harmless_mail_below_what_gmail_cuts(name):
    written = mail.render(messages()[name], zone=ZONE)
    assert breaches(written.html) == []
    assert len(written.html.encode()) < 100_000
    assert written.subject


@pytest.mark.parametrize("text", HOSTILE_HEADERS)
def test_hostile_header_text_is_refused(text):
    with pytest.raises(UnsafeHeader):
        safe_header(text)


@pytest.mark.parametrize(
    "text", ["Temerity Goods: Shopify data is ready to import", "Ünïcödé – “quoted” 👩‍👩‍👧", "a = b?", ""]
)
def test_ordinary_header_text_passes_unchanged(text):
    assert safe_header(text) == text


def headers_after_the_wire(subject):
    """Return the headers and the body that the other side sees."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message.set_content("body")
    parsed = BytesParser(policy=default).parsebytes(message.as_bytes())
    return set(parsed.keys()), parsed["Subject"]


@pytest.mark.parametrize("text", HOSTILE_HEADERS)
def test_a_hostile_name_stops_no_mail_and_adds_no_header(text):
    subject = mail.render(m.Message("x", subject=f"{text}: Shopify data is ready")).subject
    names, seen = headers_after_the_wire(subject)
    assert names == {"Subject", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    assert seen == subject
    assert "Shopify data is ready" in subject


def test_the_check_catches_a_subject_that_is_not_cleaned():
    """Twins: the first trusts its text; the second only replaces line ends, which encoded words walk past."""

    def trusting(text):
        return text

    def only_line_ends(text):
        return re.sub(r"[\r\n]", " ", text)

    for twin in (trusting, only_line_ends):
        caught = 0
        for text in HOSTILE_HEADERS:
            try:
                safe_header(twin(text))
            except UnsafeHeader:
                caught += 1
        assert caught >= 10


def test_the_check_catches_html_that_is_not_escaped():
    written = mail.render(m.Message("x", (m.Paragraph(("NAME",)),)))
    assert breaches(written.html) == []
    for name in (
        "<img src=http://evil.example/x.png>",
        "<script>x</script>",
        "<a href='https://evil.example'>x</a>",
        "</td>",
        "<b onclick=x>",
    ):
        assert breaches(written.html.replace("NAME", name)) != [], name
        assert breaches(mail.render(m.Message(name, (m.Paragraph((name,)), m.Facts(((name, (name,)),))))).html) == []


def test_links_become_links_and_other_buttons_a_line():
    pressed = m.Buttons(
        (
            m.Button("Reconnect", "open_link", url="https://tidings.example/connect?x=1&y=2"),
            m.Button("Retry", "escalation_retry", "1"),
            m.Button("Cancel", "escalation_cancel", "1"),
        )
    )
    written = mail.render(m.Message("x", (pressed,)))
    assert Page(written.html).links == ["https://tidings.example/connect?x=1&y=2"]
    assert "Reconnect: https://tidings.example/connect?x=1&y=2" in written.text
    assert "Open Slack to press “Retry” or “Cancel”." in written.text
    with pytest.raises(ValueError, match="not a link of ours"):
        mail.render(m.Message("x", (m.Paragraph((m.Link("javascript:alert(1)", "x"),)),)))


def test_times_are_in_the_readers_zone():
    message = m.Message("x", (m.Paragraph(("Data as of ", m.When(NOW), " and ", m.When(NOW, short=True))),))
    for zone, told in (
        ("America/New_York", "Nov 21, 2026, 14:41 EST and 14:41 EST"),
        ("Asia/Kolkata", "Nov 22, 2026, 01:11 IST (UTC+5:30) and 01:11 IST (UTC+5:30)"),
        ("America/Sao_Paulo", "Nov 21, 2026, 16:41 UTC−3 and 16:41 UTC−3"),
        ("no/such/zone", "Nov 21, 2026, 19:41 UTC and 19:41 UTC"),
    ):
        written = mail.render(message, zone=zone)
        assert f"Data as of {told}" in written.text
        assert told.split(" and ")[0] in written.html


def test_the_preheader_is_the_summary_and_long_tables_say_what_is_missing():
    rows = tuple(((f"Store {n}",), ("1",)) for n in range(100))
    written = mail.render(m.Message("All fine.", (m.Table("Rows", ("Source", "New"), rows, frozenset({1})),)))
    assert "All fine." in Page(written.html).texts
    assert "… 40 more rows, see Slack" in written.text
    assert "… 40 more rows, see Slack" in written.html


def test_the_foot_says_why_the_mail_came():
    assert "because you confirmed this address in Slack" in mail.render(messages()["finished_ready"]).html
    assert "to the support address" in mail.render(messages()["escalation_open"]).text
    assert (
        mail.render(messages()["finished_ready"]).subject == f"{ready().organization}: Shopify data is ready to import"
    )
