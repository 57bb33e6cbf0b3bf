"""T56: whoever writes to the mailbox, forges a sender or the receiving server's word, or answers by machine, loads nothing."""

import re
from dataclasses import replace
from datetime import date
from email import message_from_bytes
from pathlib import Path

from connectors.mailed.results import NAMELESS, results
from connectors.mailed.senders import Against, Rules, judged
from sandbox.providers.netsuite import RECEIVER, RULES, SENDER, Mailed, good
from tests.connectors.mailed.post import Post, post

DOMAIN = SENDER.rpartition("@")[2]
FAILED = f"{RECEIVER}; dkim=fail header.d={DOMAIN}; dmarc=fail header.from={DOMAIN}"
AR = "Authentication-Results"

#: what stands on top, against which it is not enough
UNSIGNED = [
    FAILED,
    f"{RECEIVER}; none",
    f"{RECEIVER};",
    f"{RECEIVER}; spf=pass smtp.mailfrom={SENDER}",
    f"{RECEIVER}; dkim=pass header.d=evil.example",
    f"{RECEIVER}; dkim=pass header.i=@evil.example",
    f"{RECEIVER}; dkim=pass header.d=sub.{DOMAIN}",
    f"{RECEIVER}; dkim=pass header.d=example",
    f"{RECEIVER}; dkim=pass",
    f"{RECEIVER}; dmarc=pass",
    f"{RECEIVER}; dmarc=pass header.from=evil.example",
    f"{RECEIVER}; dmarc=bestguesspass header.from={DOMAIN}",
    f'{RECEIVER}; dkim=neutral reason="dkim=pass header.d={DOMAIN}"',
    f"{RECEIVER}; dkim=none (dkim=pass header.d={DOMAIN})",
    f"{RECEIVER}; dkim=pass header.d=evil.example header.i=@{DOMAIN}",
    f'{RECEIVER}; spf=none smtp.mailfrom="x; dkim=pass header.d={DOMAIN}"@evil.example',
    f"{RECEIVER}; dkim=pass header.d={DOMAIN}; dmarc=fail header.from={DOMAIN}",
    f"{RECEIVER}; x-dkim=pass header.d={DOMAIN}",
]  # fmt: skip
#: what cannot be read without doubt, or is somebody else's
UNVOUCHED = [
    good(receiver="mx.evil.example"),
    good(receiver=f"{RECEIVER}.evil.example"),
    f"mx.evil.example ({RECEIVER}); dkim=pass header.d={DOMAIN}",
    f"{RECEIVER}; dkim=pass header.d={DOMAIN} header.d=evil.example",
    f"{RECEIVER}; dkim=pass header.d={DOMAIN} (not closed",
    f'{RECEIVER}; dkim=pass header.d={DOMAIN} "not closed',
    f"{RECEIVER}; dkim=pass header.d={DOMAIN} and more",
    f"{RECEIVER}; dkim=pass header.d={DOMAIN}; )",
    f"dkim=pass header.d={DOMAIN}",
    f"{RECEIVER}; x=({'(' * 20_000}",
    f'{RECEIVER}; spf=none smtp.mailfrom=x\\"; dkim=pass header.d={DOMAIN}; x="',
]  # fmt: skip
#: signatures that hold for a mail which somebody dated anew, or to which he appended a file
SIGNATURES = [
    f"v=1; d={DOMAIN}; s=ns; h=from:subject:to; bh=x; b=x",
    f"v=1; d={DOMAIN}; s=ns; h=date:subject:to; bh=x; b=x",
    f"v=1; d={DOMAIN}; s=ns; h=from:date:to; bh=x; b=x",
    f"v=1; d={DOMAIN}; s=ns; h=from:date:subject; l=1200; bh=x; b=x",
    f"v=1; d={DOMAIN.upper()}; s=ns; bh=x; b=x",
    "v=1; d=example; s=ns; h=from; bh=x; b=x",
    f"v=1; d={DOMAIN}; d=evil.example; h=from:date:subject; bh=x; b=x",
    "v=1; h=from; bh=x; b=x",
]
#: senders that are not ours, or that two readers would read differently
SENDERS = {
    "reports@temeritygoods.example.evil.example": Against.UNKNOWN,
    "reports@temeritygoods-billing.example": Against.UNKNOWN,
    f'"{SENDER}" <x@evil.example>': Against.UNKNOWN,
    f"x+{SENDER}": Against.UNKNOWN,
    "x@evil.example": Against.UNKNOWN,
    f"{SENDER}, x@evil.example": Against.UNREADABLE,
    f"x@evil.example, {SENDER}": Against.UNREADABLE,
    f"<{SENDER}> <x@evil.example>": Against.UNREADABLE,
    f"<x@evil.example> <{SENDER}>": Against.UNREADABLE,
    f"{SENDER})x@evil.example": Against.UNREADABLE,
    f"({SENDER}) x@evil.example": Against.UNREADABLE,
    f"x@evil.example ({SENDER})": Against.UNREADABLE,
    f"list:{SENDER};": Against.UNREADABLE,
    f"<@evil.example:{SENDER}>": Against.UNREADABLE,
    "repörts@temeritygoods.example": Against.UNREADABLE,
    "": Against.UNREADABLE,
}


def _with(office: Post, sender: str) -> bytes:
    """Return a good mail whose From is another text, as it stands."""
    return re.sub(rb"(?m)^From: .*$", b"From: " + sender.encode() + b"\r", office.mail(50).raw, count=1)


def strangers(office: Post) -> list[tuple[bytes, Against]]:
    """Return mails of which none may be loaded, with what stands against each."""
    mail = office.mail(50)
    found: list[tuple[bytes, Against]] = []
    # The sender's own header below the server's, where everybody can write it, and alone.
    found += [(replace(mail, results=[top], more=[(AR, good())]).raw, Against.UNSIGNED) for top in UNSIGNED]
    found += [(replace(mail, results=[top]).raw, Against.UNVOUCHED) for top in UNVOUCHED]
    found += [(replace(mail, results=[]).raw, Against.UNVOUCHED)]
    found += [(replace(mail, results=["mx.evil.example; none", FAILED, good()]).raw, Against.UNSIGNED)]
    found += [(_with(office, sender), against) for sender, against in SENDERS.items()]
    found += [(replace(mail, more=[("DKIM-Signature", one)]).raw, Against.UNCOVERED) for one in SIGNATURES]
    found += [
        (b"From: x@evil.example\r\n" + mail.raw, Against.UNREADABLE),
        (mail.raw.replace(b"\r\nTo:", b"\r\nDate: Fri, 20 Nov 2026 06:00:12 -0800\r\nTo:"), Against.UNDATED),
        (replace(mail, sent=None).raw, Against.UNDATED),
        (re.sub(rb"(?m)^Date: .*$", b"Date: yesterday\r", mail.raw), Against.UNDATED),
        (re.sub(rb"(?m)^Date: .*$", b"Date: Mon, 01 Jan 1990 00:00:00 +0000\r", mail.raw), Against.UNDATED),
        (replace(mail, more=[("Auto-Submitted", "auto-replied (vacation)")]).raw, Against.REPLY),
        (mail.raw.replace(b"\r\nTo:", b"\r\nno header at all\r\nTo:", 1), Against.UNREADABLE),
        (mail.raw.replace(b"To: ", b"To: \0", 1), Against.UNREADABLE),
        (mail.raw.replace(b"To: ", b"To: \r", 1), Against.UNREADABLE),
        (b"x: y\r\n" * 60_000 + mail.raw, Against.UNREADABLE),
        (b"", Against.UNREADABLE),
        (replace(mail, files=()).raw, Against.NOTHING_ATTACHED),
        (replace(mail, files=(), inner=office.here.netsuite.csv()).raw, Against.NOTHING_ATTACHED),
    ]
    return found


async def test_nothing_of_a_stranger_is_loaded_and_each_is_told(tmp_path: Path) -> None:
    office = post(tmp_path)
    office.here.netsuite.post(5, date(2026, 11, 1))
    office.put(office.mail(60), "good.eml")
    await office.here.world.collect()
    office.here.netsuite.mutate(changed=5, removed=0)
    office.here.netsuite.post(5, date(2026, 11, 1))
    held = dict(office.here.rows())
    wicked = strangers(office)
    assert len(wicked) > 50
    for number, (raw, _) in enumerate(wicked):
        office.put(raw or b"\n", f"x{number}.eml", office.here.at(10))
    done = await office.here.world.collect()
    assert (office.here.rows(), done.source_as_of) == (held, office.here.at(60))
    told = {path.split(" ")[0]: fate for path, fate in office.aside.items()}
    assert told == {f"x{number}.eml": f"put aside: {against}" for number, (_, against) in enumerate(wicked)}
    counts = [int(note.split(" ")[0]) for note in done.notes]
    assert (sum(counts), len(counts)) == (len(wicked), len({against for _, against in wicked}))
    office.put(office.mail(5), "better.eml")
    await office.here.world.collect()
    office.here.assert_same()


def test_what_the_usual_servers_say_is_understood() -> None:
    rules = Rules(receiver=RECEIVER, senders=(SENDER,))
    mail = Mailed(sent=None, results=[])
    for said in (
        good(),
        f'{RECEIVER} 1; dkim=pass (ok; (really) "x) header.i=@{DOMAIN} header.s=s1 header.b="Ab/+c=="; spf=softfail',
        f"{RECEIVER.upper()}; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from={DOMAIN.upper()}",
        f'{RECEIVER};\r\n\tdkim=fail reason="key; gone" header.d={DOMAIN};\r\n\tdkim=pass header.d={DOMAIN};',
        f"{RECEIVER}; arc=none; dkim/1 = pass header.d = {DOMAIN}",
    ):  # fmt: skip
        assert judged(replace(mail, results=["mx.other.example; none", said]).raw, rules).against is Against.UNDATED, (
            said
        )
    for covered in (
        f"v=1; a=rsa-sha256; d={DOMAIN}; s=ns;\r\n h=To : From :\r\n Date:Subject; bh=x=;\r\n b=a/b+c==",
        "v=1; d=evil.example; h=from; l=1; bh=x; b=x",
    ):
        raw = replace(mail, results=[good()], more=[("DKIM-Signature", covered)]).raw
        assert judged(raw, rules).against is Against.UNDATED, covered
    nameless = f"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=x.example; dkim=pass (verified) header.d={DOMAIN};compauth=pass"
    exchange = Rules(receiver=NAMELESS, senders=(SENDER,))
    assert judged(replace(mail, results=[nameless]).raw, exchange).against is Against.UNDATED
    assert judged(replace(mail, results=[good(), nameless]).raw, exchange).against is Against.UNVOUCHED
    assert results([], NAMELESS) is None


def _believes_the_sender(raw: bytes) -> bool:
    return SENDER in str(message_from_bytes(raw)["From"])


def _believes_any_header(raw: bytes) -> bool:
    said = message_from_bytes(raw).get_all(AR, [])
    return _believes_the_sender(raw) and any(
        f"dkim=pass header.d={DOMAIN}" in one.replace("(2048-bit key) ", "") for one in said
    )


def _believes_the_topmost_whosever(raw: bytes) -> bool:
    return _believes_the_sender(raw) and "dkim=pass" in str(message_from_bytes(raw)[AR])


def test_the_table_sees_a_reader_that_believes(tmp_path: Path) -> None:
    office = post(tmp_path)
    rules = Rules(receiver=str(RULES["receiver"]), senders=(SENDER,))
    wicked = [raw for raw, against in strangers(office) if against is not Against.NOTHING_ATTACHED]
    wicked = [raw for raw in wicked if len(raw) < 1 << 16]
    assert judged(office.mail(50).raw, rules).against is None
    assert not [raw for raw in wicked if judged(raw, rules).against is None]
    for twin in (_believes_the_sender, _believes_any_header, _believes_the_topmost_whosever):
        assert len([raw for raw in wicked if twin(raw)]) > 5, twin.__name__
