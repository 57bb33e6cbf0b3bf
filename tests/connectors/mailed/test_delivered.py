"""Mailed searches: the warehouse is what the mails of the right senders said, of the mails' own dates."""

import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from connectors.errors import Broken, Retry
from sandbox.providers.netsuite import SENDER
from tests.connectors.mailed.post import NAME, post

NOVEMBER = date(2026, 11, 1)


def zipped(files: dict[str, bytes], way: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", way) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return body.getvalue()


@pytest.mark.parametrize("replaces", ["nothing", "all", "period"])
async def test_the_warehouse_is_what_the_mails_said(tmp_path: Path, replaces: str) -> None:
    office = post(tmp_path, replaces=replaces, period="Period" if replaces == "period" else "")
    account = office.here.netsuite
    account.post(20, NOVEMBER)
    office.put(office.mail(90))
    done = await office.here.world.collect()
    office.here.assert_same()
    assert done.source_as_of == office.here.at(90)
    ways: list[Callable[[bytes], tuple[str, bytes]]] = [
        lambda body: ("FEEDGLDetail.csv.gz", gzip.compress(body)),
        lambda body: ("report.zip", zipped({"any/FEEDGLDetail.csv": body, "readme.txt": b"x"})),
    ]
    for minutes, way in zip((60, 30), ways, strict=True):
        account.mutate(changed=4, removed=0 if replaces == "nothing" else 2)
        office.put(office.mail(minutes, files=[way(account.csv())], html=True))
        done = await office.here.world.collect()
        office.here.assert_same()
        assert done.source_as_of == office.here.at(minutes)
    batches, cursors = len(office.here.world.kept.batches), dict(office.here.world.kept.cursors)
    assert (await office.here.world.collect()).source_as_of == office.here.at(30)
    assert (len(office.here.world.kept.batches), office.here.world.kept.cursors) == (batches, cursors)


@pytest.mark.parametrize("replaces", ["nothing", "all"])
async def test_late_repeated_and_moved_mails_bring_nothing_back(tmp_path: Path, replaces: str) -> None:
    office = post(tmp_path, replaces=replaces)
    account = office.here.netsuite
    account.post(20, NOVEMBER)
    old = office.mail(90)
    account.mutate(changed=8, removed=0)
    newest = office.mail(60)
    first = office.put(newest)
    await office.here.world.collect()
    office.put(old, received=office.here.at(10))
    done = await office.here.world.collect()
    office.here.assert_same()
    assert done.source_as_of == office.here.at(60)
    # The same mail twice, then moved: the same file, which is not read again.
    office.put(newest, "copy.eml", office.here.at(5))
    first.unlink()
    listed = len(office.here.rows("files"))
    done = await office.here.world.collect()
    assert (len(office.here.rows("files")), done.source_as_of) == (listed, office.here.at(60))
    # The same content, sent anew: nothing changes but the as-of.
    office.put(office.mail(20))
    assert (await office.here.world.collect()).source_as_of == office.here.at(20)
    assert max(row["fate"] for row in office.here.rows("files").values()) == "same"


async def test_a_mails_date_is_never_later_than_it_was_received(tmp_path: Path) -> None:
    office = post(tmp_path)
    office.here.netsuite.post(3, NOVEMBER)
    office.put(office.mail(-3000), received=office.here.at(40))
    assert (await office.here.world.collect()).source_as_of == office.here.at(40)


async def test_a_mail_that_is_still_written_waits(tmp_path: Path) -> None:
    office = post(tmp_path)
    office.here.netsuite.post(3, NOVEMBER)
    whole = office.mail(5).raw
    office.put(whole[: len(whole) // 2], "a.eml", office.here.world.clock.now())
    with pytest.raises(Retry) as caught:
        await office.here.world.collect()
    assert caught.value.code == "file_growing"
    office.put(whole, "a.eml", office.here.at(4))
    await office.here.world.collect()
    office.here.assert_same()


async def test_feeds_are_told_apart_by_name_and_subject_and_strays_are_said(tmp_path: Path) -> None:
    office = post(tmp_path)
    account = office.here.netsuite
    account.post(3, NOVEMBER)
    office.declare(office.feed(subject="Suche: Erlöse*"), office.feed(name="other", subject="Search*", optional=True))
    office.put(office.mail(50, subject="Suche: Erlöse Übersicht", files=[("FEEDGL Übersicht.csv", account.csv())]))
    office.put(office.mail(40, subject="Something else", files=[("logo.png", b"PNG"), (NAME, b"")]))
    done = await office.here.world.collect()
    office.here.assert_same()
    assert {row["feed"] for row in office.here.rows().values()} == {"gl"}
    assert done.notes == ("2 attached files are of no feed: look at the patterns of the feeds",)
    office.declare(office.feed(subject="Search*"), office.feed(name="other", subject="Suche: Erlöse*"))
    office.put(office.mail(30, subject="Search: x"))
    await office.here.world.collect()
    office.here.assert_same("other")
    office.here.assert_same("gl")


async def test_who_is_allowed_later_is_read_later(tmp_path: Path) -> None:
    office = post(tmp_path)
    office.here.netsuite.post(3, NOVEMBER)
    office.declare(senders=["somebody@temeritygoods.example"])
    office.put(office.mail(30))
    with pytest.raises(Broken) as caught:
        await office.here.world.collect()
    assert caught.value.code == "mails_put_aside"
    assert "its sender is not on the list" in caught.value.detail
    assert SENDER not in caught.value.detail
    office.declare(senders=["Somebody@temeritygoods.example", SENDER.upper()])
    await office.here.world.collect()
    office.here.assert_same()
    office.put(office.mail(20, results=[]))
    done = await office.here.world.collect()
    (note,) = done.notes
    assert note.startswith(
        f"1 mail was put aside and not loaded (from {SENDER}; the newest came 22 Nov 2026 07:40 UTC)"
    )
    assert done.source_as_of == office.here.at(30)
    assert not (await office.here.world.collect()).notes
    office.put(office.mail(19, sender="call-1-800-555@evil.example"))
    office.put(office.mail(18, sender=f"x{SENDER}"))
    (note,) = (await office.here.world.collect()).notes
    assert note.startswith(f"2 mails were put aside and not loaded (from x{SENDER} and a stranger; the newest came ")
    assert [path for path in office.aside if path.endswith("from call-1-800-555@evil.example")]
