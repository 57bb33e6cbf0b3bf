"""Mails of the right sender that are cut, spoilt or too much: the run says which and why, and the old data stays."""

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Broken, ConnectorError
from connectors.files.wrong import FileError
from connectors.mailed.inbox import LARGEST_MAIL
from connectors.mailed.message import attached, plain_name, plain_subject
from connectors.mailed.zipped import unzipped
from sandbox.providers.netsuite import Mailed
from tests.connectors.mailed.post import NAME, Post, post
from tests.connectors.mailed.test_delivered import zipped


def _bomb(packed: Callable[[bytes], bytes]) -> bytes:
    return packed(bytes(24 << 20))


def _changed(entry: bytes, at: int, byte: int) -> bytes:
    """Return a zip with one byte of its directory changed."""
    place = entry.index(b"PK\x01\x02") + at
    return entry[:place] + bytes([byte]) + entry[place + 1 :]


def _nested(depth: int) -> bytes:
    """Return a mail of parts within parts."""
    head = "".join(f'--b{n}\r\nContent-Type: multipart/mixed; boundary="b{n + 1}"\r\n\r\n' for n in range(depth))
    ends = "".join(f"--b{n}--\r\n" for n in range(depth, -1, -1))
    body = f"--b{depth}\r\nContent-Disposition: attachment; filename={NAME}\r\n\r\nx\r\n"
    return f'Content-Type: multipart/mixed; boundary="b0"\r\n\r\n{head}{body}{ends}'.encode()


def _part(disposition: str) -> bytes:
    """Return a mail of one part."""
    head = f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Disposition: {disposition}'
    return f"{head}\r\n\r\nx\r\n--b--\r\n".encode()


def _as(files: list[tuple[str, bytes]]) -> Callable[[Mailed], bytes]:
    return lambda mail: replace(mail, files=files).raw


def _below(mail: Mailed, body: bytes) -> bytes:
    """Return the mail with another body, its own head on top."""
    head = re.sub(rb"(?m)^(Content-|MIME-).*\r\n(\s.*\r\n)*", b"", mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n")
    return head + body


#: how the mail is spoilt, and words of what is said about it
BAD: dict[str, tuple[Callable[[Mailed], bytes], str]] = {
    "cut": (lambda mail: mail.raw[: len(mail.raw) * 2 // 3], "was cut off"),
    "cut at its end": (lambda mail: mail.raw[: mail.raw.rindex(b"--")].rpartition(b"--")[0], "was cut off"),
    "base64 spoilt": (lambda mail: mail.raw.replace(b"SW50", b"SW5", 1), "was cut off or spoilt"),
    "gzip cut": (_as([(f"{NAME}.gz", gzip.compress(b"a,b\n" * 2000)[:-9])]), "was cut off"),
    "gzip bomb": (_as([(f"{NAME}.gz", _bomb(gzip.compress))]), "no text in the declared encoding"),
    "gzip unnamed": (_as([(NAME, gzip.compress(b"a,b\n"))]), "is packed and not named .gz"),
    "zip bomb": (_as([("x.zip", _bomb(lambda body: zipped({NAME: body})))]), "far more than a file of rows"),
    "zip of many bombs": (_as([("x.zip", zipped({f"{n}.csv": bytes(3 << 20) for n in range(12)}))]), "far more than"),
    "zip of many": (_as([("x.zip", zipped({f"{n}.csv": b"" for n in range(51)}))]), "more than 50"),
    "zip of nothing": (_as([("x.zip", zipped({"a/": b""}))]), "holds no file"),
    "zip cut": (_as([("x.zip", zipped({NAME: b"a,b\n" * 2000})[:-40])]), "is damaged or cut off"),
    "zip encrypted": (_as([("x.zip", _changed(zipped({NAME: b"a"}), 8, 1))]), "is encrypted"),
    "zip of no known way": (_as([("x.zip", _changed(zipped({NAME: b"a"}), 10, 99))]), "an ordinary one"),
    # The library unpacks a whole megabyte of it at once, to gigabytes.
    "zip bomb of another kind": (_as([("x.zip", zipped({NAME: bytes(1 << 20)}, zipfile.ZIP_LZMA))]), "an ordinary one"),
    "zip of a million names": (_as([("x.zip", zipped({NAME: b"a"}) + b"PK\x01\x02" * 6000)]), "more than 50"),
    "zip within zip": (_as([("x.zip", zipped({NAME: zipped({NAME: b"a"})}))]), "no text in the declared encoding"),
    "ragged rows": (lambda mail: replace(mail, files=[(NAME, mail.files[0][1] + b"1,2\r\n")]).raw, "has 2 cells where the header has"),
    "HTML for CSV": (_as([(NAME, b"<html><body>Please log in</body></html>")]), "has no column"),
    "parts within parts": (lambda mail: _below(mail, _nested(7)), "parts within parts"),
    "a thousand levels": (lambda mail: _below(mail, _nested(900)), "more than 50 parts"),
    "many parts": (_as([(f"{n}.png", b"x") for n in range(60)]), "more than 50 parts"),
    "a million parts": (lambda mail: _below(mail, b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\n" * 99_999), "more than 50"),
    "a head of hours": (lambda mail: _below(mail, _part("attachment; " + "; ".join(f"filename*{n}=x" for n in range(900)))), "a head that no mail has"),
    "half a character": (lambda mail: _below(mail, _part("attachment; filename*=idna''x" + "a" * 90)), "cannot be read as a mail"),
    "uuencoded": (lambda mail: mail.raw.replace(b"Encoding: base64", b"Encoding: x-uuencode"), "not used any more"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BAD))
async def test_a_bad_mail_ends_the_run_and_the_old_data_stays(tmp_path: Path, case: str) -> None:
    spoil, words = BAD[case]
    office = post(tmp_path)
    office.here.netsuite.post(3, date(2026, 11, 1))
    office.put(office.mail(60))
    await office.here.world.collect()
    held, cursors = dict(office.here.rows()), dict(office.here.world.kept.cursors)
    bad = office.put(spoil(office.mail(30)), "bad.eml", office.here.at(29))
    with pytest.raises(Broken) as caught:
        await office.here.world.collect()
    assert caught.value.code == "file_unreadable"
    assert words in caught.value.detail
    assert "22 Nov 2026 07:30" in caught.value.detail or NAME in caught.value.detail
    assert (office.here.rows(), office.here.world.kept.cursors) == (held, cursors)
    bad.unlink()
    office.here.netsuite.mutate(changed=2, removed=0)
    office.put(office.mail(10))
    await office.here.world.collect()
    office.here.assert_same()


async def test_a_bad_mail_stops_the_feeds_that_it_may_be_for(tmp_path: Path) -> None:
    office = post(tmp_path)
    items = {"name": "items", "pattern": "ITEMS*", "key": ["Internal ID"], "dates": "YYYY-MM-DD", "subject": "Items*"}
    office.declare(office.feed(subject="Ledger*"), items)
    office.here.netsuite.post(3, date(2026, 11, 1))
    office.put(office.mail(60, subject="Ledger of today"))
    sold = [("ITEMS.csv", b"Internal ID,Name\n1,Soil\n")]
    office.put(office.mail(50, subject="Items", files=sold))
    await office.here.world.collect()
    held = dict(office.here.rows())
    bad = office.put(office.mail(30, subject="Ledger of noon").raw[:-90], "bad.eml", office.here.at(29))
    office.put(office.mail(20, subject="Items", files=[("ITEMS.csv", b"Internal ID,Name\n1,Soil\n2,Sand\n")]))
    done = await office.here.world.collect(partly=True)
    (lost,) = done.aside
    assert (lost.streams, lost.as_of, done.source_as_of) == (("feed gl",), office.here.at(60), office.here.at(20))
    assert "have it sent again, and take this one away" in lost.error.detail
    assert (office.here.rows(), len(office.here.rows("rows"))) == (held, 2)
    bad.unlink()
    assert not (await office.here.world.collect()).aside


async def test_a_mail_of_the_future_makes_nothing_fresh_and_no_real_one_late(tmp_path: Path) -> None:
    office = post(tmp_path, replaces="all")
    office.here.netsuite.post(3, date(2026, 11, 1))
    office.put(office.mail(120))
    # Both its own date and the time at which it was received are years ahead, and so is the second one's.
    for year in (2031, 2099):
        ahead = office.here.at(0).replace(year=year)
        office.put(replace(office.mail(60), sent=ahead, message_id=f"<{year}@x>"), received=ahead)
    await office.here.world.collect()
    # Only our own two looks tell that they stand still.
    office.here.world.clock.advance(timedelta(minutes=2))
    now = office.here.world.clock.now()
    assert (await office.here.world.collect()).source_as_of == now
    office.here.world.clock.advance(timedelta(hours=5))
    assert (await office.here.world.collect()).source_as_of == now
    office.here.netsuite.mutate(changed=2, removed=0)
    office.put(office.mail(10))
    assert (await office.here.world.collect()).source_as_of == office.here.at(10)
    office.here.assert_same()


async def test_a_mail_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    office = post(tmp_path)
    office.here.netsuite.post(3, date(2026, 11, 1))
    office.put(office.mail(60))
    path = office.put(office.mail(30), "large.eml")
    with path.open("r+b") as file:
        file.truncate(LARGEST_MAIL + 1)
    office.here.netsuite.write(path, path.read_bytes(), office.here.at(29))
    office.here.netsuite.write(office.folder / "empty.eml", b"", office.here.at(9))
    office.here.netsuite.write(office.folder / "x.tmp", b"x", office.here.at(9))
    await office.here.world.collect()
    office.here.assert_same()
    assert list(office.aside.values()) == ["put aside: its head was not read: it is larger than 40 MB"]


def test_names_are_never_paths_and_subjects_are_read_as_people_read_them() -> None:
    hostile = {"../../etc/passwd": "passwd", "C:\\x\\a.csv": "a.csv", "a\0b\r\n.csv": "a_b__.csv", "..": "..", "/": "_",
               "x" * 200 + ".csv": "x" * 146 + ".csv", "\u202egpj.csv": "_gpj.csv"}  # fmt: skip
    assert {name: plain_name(name) for name in hostile} == hostile
    assert plain_subject("=?utf-8?q?Erl=C3=B6se?=\r\n =?utf-8?b?w5w=?=") == "ErlöseÜ"
    assert plain_subject("=?nonsense?q?x?=") == "=?nonsense?q?x?="
    # Half of a character: no database and no JSON takes it.
    assert (plain_subject("=?utf-7?q?+2AA-?="), plain_name("a\ud800.csv")) == ("?", "a?.csv")
    with pytest.raises(FileError):
        unzipped(b"PK\x03\x04nothing", 10)


def _usual(raw: bytes) -> list[tuple[str, bytes]]:
    """The twin: what one usually writes to get at attachments."""
    from email import message_from_bytes, policy

    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    found: list[tuple[str, bytes]] = []
    for part in mail.walk():
        body: Any = part.get_payload(decode=True)
        name = part.get_filename()
        if not name or body is None:
            continue
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(body)) as packed:
                found += [(one, packed.read(one)) for one in packed.namelist()]
        else:
            found.append((name, body))
    return found


def test_the_usual_way_takes_half_mails_bombs_and_mails_within(tmp_path: Path) -> None:
    office: Post = post(tmp_path)
    office.here.netsuite.post(3, date(2026, 11, 1))
    mail = office.mail(30)
    for case in ("cut", "zip bomb", "zip of many bombs", "parts within parts"):
        raw = BAD[case][0](mail)
        assert _usual(raw)
        with pytest.raises((FileError, ConnectorError)):
            attached(raw)
    within = replace(mail, files=(), inner=b"forged").raw
    assert (len(_usual(within)), attached(within)) == (1, [])


@pytest.mark.contracts
async def test_collected_mails_are_read(contracts: Path, tmp_path: Path) -> None:
    samples = contracts / "netsuite/synthetic"
    office = post(tmp_path)
    columns = {"transaction_id": "Internal ID", "txn_date": "Date", "account": "Account", "amount": "Amount"}
    us = {"name": "us", "pattern": "FEEDGL*", "into": "transaction_lines", "key": ["Internal ID"], "numbered": True,
          "replaces": "all", "dates": "MM/DD/YYYY", "columns": columns}  # fmt: skip
    german = {"transaction_id": "Interne ID", "txn_date": "Datum", "account": "Konto", "amount": "Betrag"}
    de = {"name": "de", "pattern": "Erlöse Übersicht.csv", "into": "transaction_lines", "key": ["Interne ID"],
          "dates": "DD.MM.YYYY", "encoding": "cp1252", "delimiter": ";", "decimal": ",", "thousands": ".",
          "columns": german}  # fmt: skip
    office.declare(us, de, receiver="mx.client.example", senders=["reports@sampleco.example"])
    for kind in ("csv_attachment", "zip_attachment", "nonascii_filename", "spoofed_sender", "link_only"):
        office.put((samples / f"mail_{kind}.eml").read_bytes(), f"{kind}.eml", office.here.at(60))
    done = await office.here.world.collect()
    assert [str(row["amount"]) for row in office.here.rows().values()] == [
        "81.00", "-75.00", "-6.00", "1234.56", "-81.00",
    ]  # fmt: skip
    assert done.source_as_of.isoformat() == "2026-11-20T14:00:12+00:00"
    assert sorted(path.partition(".")[0] for path in office.aside) == ["link_only", "spoofed_sender"]
