"""A file takes its place whole, is recognised, kept and restored: by every way that files travel."""

import asyncio
import hashlib
import io
import threading
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import Broken, ConnectorError, Retry
from connectors.pocketadvantage.transfer.port import AbsentError
from connectors.pocketadvantage.transfer.publishing import probe, publish, restore, versions
from sandbox.exchange.faults import Faults
from tests.connectors.pocketadvantage.transfer import twins
from tests.connectors.pocketadvantage.transfer.judging import MID, NEW, OLD, CutOff, reading
from tests.connectors.pocketadvantage.transfer.stage import (
    ARCHIVE,
    KINDS,
    LATEST,
    NAME,
    NOW,
    SERVED,
    Stage,
    other,
    staged,
)

CHECKPOINTS = ("exchange.uploaded", "exchange.verified", "exchange.archived", "exchange.replaced")


class Died(BaseException):
    """The process ended here; nothing of it goes on."""


def dying_at(point: str):
    def look(name: str) -> None:
        if name == point:
            raise Died

    return look


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_takes_its_place_and_the_one_before_it_is_kept(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        first = await stage.hand_over(OLD)
        assert (first.size, first.archived_as, first.gap, first.unchanged) == (len(OLD), "", None, False)
        again = await stage.hand_over(OLD)
        assert (again.unchanged, again.sha256) == (True, first.sha256)
        second = await stage.hand_over(NEW)
        assert (stage.there, stage.names(), stage.archived()) == (NEW, [NAME], [OLD])
        assert (second.gap, second.unchanged) == (None, False)
        assert second.archived_as == f"{NAME}.20261123T031800Z.{first.sha256[:8]}.fil"
        assert stage.can_replace is True


@pytest.mark.parametrize("kind", KINDS)
async def test_somebody_who_reads_all_the_while_reads_whole_files(kind, tmp_path):
    """Large enough to come in many pieces; read by a thread that knows nothing of what is done."""
    large = [bytes([65 + turn]) * 700_000 for turn in range(3)]
    with staged(kind, tmp_path) as stage:
        stage.put(large[0])
        over, found, read = threading.Event(), set(), threading.Event()

        def read_on() -> None:
            while not over.is_set():
                body = stage.there
                found.add(hashlib.sha256(body or b"").hexdigest())
                read.set()
                over.wait(0.002)

        reader = threading.Thread(target=read_on)
        reader.start()
        try:
            for body in large[1:]:
                await stage.hand_over(body)
                read.clear()
                await asyncio.to_thread(read.wait, 60)
        finally:
            over.set()
            reader.join()
        assert found <= {hashlib.sha256(body).hexdigest() for body in large}
        assert stage.there == large[2]


@pytest.mark.parametrize("point", CHECKPOINTS)
@pytest.mark.parametrize("kind", ["local", "sftp"])
async def test_dead_at_any_point_the_next_attempt_ends_well(kind, point, tmp_path):
    """`exchange.uploaded`, "exchange.verified", "exchange.archived" and "exchange.replaced", in this order."""
    with staged(kind, tmp_path) as stage, reading(stage, OLD, NEW) as reader:
        stage.put(OLD)
        with pytest.raises(Died):
            await stage.hand_over(NEW, checkpoint=dying_at(point))
        reader.look()
        assert stage.there == (NEW if point == "exchange.replaced" else OLD)
        done = await stage.hand_over(NEW)
        assert done.unchanged == (point == "exchange.replaced")
        assert (stage.there, stage.names(), stage.archived()) == (NEW, [NAME], [OLD])
        assert reader.complaints() == []


async def test_what_stops_it_right_before_the_end_stops_it(tmp_path):
    """Whoever lost the right to hand over meanwhile says so at the last point before the file takes its place."""

    def lost(name: str) -> None:
        if name == "exchange.archived":
            raise Retry(None, "somebody else hands this over now", code="place_lost")

    with staged("ftp", tmp_path) as stage:
        stage.put(OLD)
        with pytest.raises(Retry, match="place_lost"):
            await stage.hand_over(NEW, checkpoint=lost)
        assert stage.there == OLD


async def beside(stage: Stage, point: str, *, publishing, first: bytes, second: bytes, **fault: Any) -> list[str]:
    """Let one job come as far as a point, another one from its start to its end (or cut), and then the first go on."""
    stage.clear()
    stage.put(OLD)

    def meanwhile(name: str) -> None:
        if name != point:
            return
        stage.faults.begin(**fault)

        async def all_of_it() -> None:
            await other(stage).hand_over(second, publishing=publishing)

        thread = threading.Thread(target=lambda: asyncio.run(_whatever_comes(all_of_it())))
        thread.start()
        thread.join()
        stage.faults.begin()

    with reading(stage, OLD, first, second) as reader:
        stage.faults.begin()
        await _whatever_comes(stage.hand_over(first, publishing=publishing, checkpoint=meanwhile))
    return reader.complaints()


async def _whatever_comes(work) -> None:
    try:
        await work
    except Retry:
        pass
    except ConnectorError as error:
        raise AssertionError(str(error)) from error


@pytest.mark.parametrize("fault", [{}, {"cut_upload": 500}], ids=["to its end", "cut"])
@pytest.mark.parametrize("point", CHECKPOINTS)
async def test_two_jobs_at_once_never_mix_and_old_data_does_not_come_after_new(point, fault, tmp_path):
    with staged("ftp", tmp_path) as stage:
        stage.can_replace = True
        assert await beside(stage, point, publishing=publish, first=MID, second=NEW, **fault) == []
        if not fault:
            assert stage.there == NEW
        await stage.hand_over(NEW)
        assert (stage.there, stage.names()) == (NEW, [NAME])


async def test_a_twin_with_one_temporary_name_for_all_is_caught(tmp_path):
    with staged("ftp", tmp_path) as stage:
        found = await beside(
            stage, "exchange.verified", publishing=twins.one_name, first=MID, second=NEW, cut_upload=500
        )
        assert found != []


@pytest.mark.parametrize("kind", ["ftp", "sftp"])
async def test_where_no_file_is_replaced_an_admin_must_accept_a_gap_and_its_length_is_told(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.put(OLD)
        stage.faults.begin(no_replace=True)
        with pytest.raises(Broken, match="cannot_replace"):
            await stage.hand_over(NEW)
        assert (stage.there, stage.names(), stage.names(ARCHIVE)) == (OLD, [NAME], [])
        with reading(stage, OLD, None, NEW) as reader:
            done = await stage.hand_over(NEW, accept_gap=True)
        assert reader.complaints() == []
        assert done.gap is not None
        assert 0 < done.gap < 60
        assert (stage.there, stage.archived(), stage.can_replace) == (NEW, [OLD], False)
        # What was remembered is no longer so: it is noticed, and nothing is lost.
        stage.can_replace = True
        with pytest.raises(Broken, match="cannot_replace"):
            await stage.hand_over(MID)
        assert (stage.there, stage.names()) == (NEW, [NAME])


class TakesAway(CutOff):
    """A twin that removes what lies there, and then looks for what should come."""

    async def rename(self, old: str, new: str, *, replace: bool) -> None:
        if new.endswith(".tmp"):
            await self.remove(old)
            return
        await super().rename(old, new, replace=replace)


async def taken_away(remote: Any, *given: Any, **how: Any) -> Any:
    return await publish(TakesAway(remote, Faults()), *given, **how)


@pytest.mark.parametrize("publishing, loses", [(publish, False), (taken_away, True)])
async def test_who_comes_back_where_no_file_is_replaced_takes_nobodys_file_away(tmp_path, *, publishing, loses):
    """Another job handed its file over and removed what was on its way, while this one stood right before its end."""
    with staged("ftp", tmp_path) as stage:
        stage.put(OLD)
        stage.faults.begin(no_replace=True)

        def meanwhile(name: str) -> None:
            if name == "exchange.archived":
                after = threading.Thread(target=lambda: asyncio.run(other(stage).hand_over(NEW, accept_gap=True)))
                after.start()
                after.join()

        with pytest.raises(Retry, match="file_changed"):
            await stage.hand_over(MID, publishing=publishing, accept_gap=True, checkpoint=meanwhile)
        assert (stage.there, stage.names()) == ((None, []) if loses else (NEW, [NAME]))


async def where(stage: Stage, command: str, **fault: Any) -> int:
    """Return the number of the last such command of an attempt, and lay everything as it was before."""
    for _ in range(2):  # the first one makes the folders
        stage.clear()
        stage.put(OLD)
        stage.faults.begin(**fault)
        await stage.hand_over(NEW, accept_gap=True)
    stage.clear()
    stage.put(OLD)
    return max(number for number, said in enumerate(stage.faults.said, 1) if said == command)


async def test_a_gap_that_an_interruption_left_open_is_told_whole(tmp_path):
    with staged("ftp", tmp_path) as stage:
        stage.can_replace = False
        at = await where(stage, "RNTO", no_replace=True)
        stage.faults.begin(no_replace=True, cut_at=at, cut_when="before")
        with pytest.raises(Retry):
            await stage.hand_over(NEW, accept_gap=True)
        assert NAME not in stage.names()
        done = await stage.hand_over(NEW, accept_gap=True)
        assert (stage.there, stage.archived()) == (NEW, [OLD])
        # From when the old one was kept until now: a minute passes between two attempts here.
        assert done.gap == pytest.approx(60, abs=30)


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("replaces", [False, True])
async def test_a_gap_of_an_attempt_that_died_right_after_it_is_told(tmp_path, *, replaces, knows):
    """By what was handed over last it is known that the file lies there since that attempt; the twin does not know it."""
    with staged("ftp", tmp_path) as stage:
        stage.faults.begin(no_replace=not replaces)
        before = await stage.hand_over(OLD)
        with pytest.raises(Died):
            await stage.hand_over(NEW, accept_gap=True, checkpoint=dying_at("exchange.replaced"))
        stage.can_replace = None
        last = before.sha256 if knows else ""
        done = await stage.hand_over(NEW, accept_gap=True, instead_of=last)
        assert (stage.there, stage.archived(), done.unchanged) == (NEW, [OLD], True)
        assert done.gap == (0.0 if knows and not replaces else None)
        assert bool(done.archived_as) == knows
        # Once that was settled, the same file once more had no gap.
        stage.can_replace = None
        done = await stage.hand_over(NEW, accept_gap=True, instead_of=done.sha256)
        assert (done.gap, done.archived_as) == (None, "")


@pytest.mark.parametrize("knows", [True, False])
async def test_a_gap_of_a_version_that_was_put_back_by_an_attempt_that_died_is_told(tmp_path, *, knows):
    with staged("ftp", tmp_path) as stage:
        stage.faults.begin(no_replace=True)
        first = await stage.hand_over(OLD)
        second = await stage.hand_over(NEW, accept_gap=True)
        how: dict[str, Any] = {
            "archive_folder": ARCHIVE,
            "now": NOW,
            "accept_gap": True,
            "instead_of": second.sha256 if knows else "",
        }
        async with stage.opened() as remote:
            with pytest.raises(Died):
                await restore(remote, LATEST, NAME, second.archived_as, checkpoint=dying_at("exchange.replaced"), **how)
        async with stage.opened() as remote:
            done = await restore(remote, LATEST, NAME, second.archived_as, **how)
        assert (stage.there, done.sha256) == (OLD, first.sha256)
        assert done.gap == (0.0 if knows else None)


@pytest.mark.parametrize("kind", ["ftp", "sftp"])
async def test_a_lost_answer_to_the_rename_is_recognised(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.can_replace = True
        at = await where(stage, "RNTO" if kind == "ftp" else "posix_rename")
        stage.faults.begin(cut_at=at, cut_when="after")
        with pytest.raises(Retry):
            await stage.hand_over(NEW)
        assert stage.there == NEW
        done = await stage.hand_over(NEW)
        assert (done.unchanged, stage.there, stage.archived()) == (True, NEW, [OLD])


REFUSED = {
    "ftp": {"STOR": ("552 Quota exceeded.", "no_space"), "RNFR": ("550 No.", "file_changed"),
            "MLSD": ("530 Log in.", "login_refused"), "EPSV": ("421 Too many users.", "busy")},
    "sftp": {"write": ("no space", "refused"), "open": ("permission", "permission_denied"),
             "posix_rename": ("permission", "permission_denied"), "scandir": ("failure", "refused")},
}  # fmt: skip


@pytest.mark.parametrize(
    "kind, command, answer, code",
    [(kind, command, *said) for kind, table in REFUSED.items() for command, said in table.items()],
)
async def test_what_the_server_refuses_is_said_and_the_old_file_stays(kind, command, answer, code, tmp_path):
    with staged(kind, tmp_path) as stage:
        stage.can_replace = True
        stage.put(OLD)
        stage.faults.begin(refuse={command: answer})
        with pytest.raises(ConnectorError) as told:
            await stage.hand_over(NEW)
        assert (told.value.code, stage.there, stage.names()[:1]) == (code, OLD, [NAME])
        assert "Quota" not in str(told.value)
        stage.faults.begin()
        await stage.hand_over(NEW)
        assert (stage.there, stage.names()) == (NEW, [NAME])


@pytest.mark.parametrize(
    "kind, command, answer",
    [("ftp", "DELE", "550 The file is in use."), ("sftp", "remove", "permission"), ("sftp", "remove", "failure")],
)
async def test_a_server_that_holds_what_a_cut_left_is_tried_again(tmp_path, *, kind, command, answer):
    """It believes in the broken connection for a while yet; then all is as ever."""
    with staged(kind, tmp_path) as stage:
        stage.can_replace = True
        stage.put(OLD)
        (stage.root / LATEST / f"{NAME}.12345678.tmp").write_bytes(b"x")
        stage.faults.begin(refuse={command: answer})
        with pytest.raises(Retry, match="left_behind"):
            await stage.hand_over(NEW)
        assert stage.there == OLD
        stage.faults.begin()
        await stage.hand_over(NEW)
        assert (stage.there, stage.names()) == (NEW, [NAME])


async def test_only_what_an_attempt_of_ours_left_is_removed(tmp_path):
    theirs = ["customer.fil.tmp", "customer.fil.1234567.tmp", "item.fil.12345678.tmp", "customer.fil.XYZ45678.tmp"]
    with staged("local", tmp_path) as stage:
        stage.put(OLD)
        for name in [*theirs, "customer.fil.12345678.tmp", "tidings-12345678.tmp"]:
            (stage.root / LATEST / name).write_bytes(b"x")
        await stage.hand_over(OLD)
        assert stage.names() == sorted([NAME, *theirs])


async def test_thirty_earlier_versions_are_kept_and_each_can_be_restored(tmp_path):
    with staged("local", tmp_path) as stage:
        for turn in range(34):
            await stage.hand_over(b"%d\r\n" % turn)
        assert len(stage.archived()) == 30
        async with stage.opened() as remote:
            kept = await versions(remote, ARCHIVE, NAME)
            assert [one.archived_as for one in kept] == stage.names(ARCHIVE)[::-1]
            assert kept[0].archived_at - kept[-1].archived_at == timedelta(minutes=29)
            wanted = kept[10]
            back = await restore(
                remote, LATEST, NAME, wanted.archived_as, archive_folder=ARCHIVE, now=NOW + timedelta(days=1)
            )
            assert (back.sha256[:8], stage.there) == (wanted.mark, b"22\r\n")
            assert stage.archived()[-1] == b"33\r\n"
            assert len(stage.archived()) == 30
            for name in (
                "../../etc/passwd",
                wanted.archived_as.replace("customer", "item"),
                NAME,
                kept[29].archived_as,
            ):
                with pytest.raises(AbsentError):
                    await restore(remote, LATEST, NAME, name, archive_folder=ARCHIVE, now=NOW)
            spoilt = (await versions(remote, ARCHIVE, NAME))[3].archived_as
            (stage.root / ARCHIVE / spoilt).write_bytes(b"99\r\n")
            with pytest.raises(Broken, match="version_spoilt"):
                await restore(remote, LATEST, NAME, spoilt, archive_folder=ARCHIVE, now=NOW)
            assert stage.there == b"22\r\n"


async def test_an_attempt_that_fails_again_and_again_pushes_no_earlier_version_out(tmp_path):
    with staged("local", tmp_path) as stage:
        await stage.hand_over(MID)
        await stage.hand_over(OLD)
        for _ in range(3):
            with pytest.raises(Died):
                await stage.hand_over(NEW, checkpoint=dying_at("exchange.archived"))
        assert stage.archived() == [MID, OLD]


@pytest.mark.parametrize("kind", SERVED)
async def test_a_connection_is_tried_with_files_that_are_gone_afterwards(kind, tmp_path):
    with staged(kind, tmp_path) as stage:
        async with stage.opened() as remote:
            assert await probe(remote, LATEST)
        stage.faults.begin(no_replace=True)
        async with stage.opened() as remote:
            assert not await probe(remote, LATEST)
        assert stage.names() == []


async def test_what_is_no_file_that_is_handed_over_is_refused(tmp_path):
    with staged("local", tmp_path) as stage:
        async with stage.opened() as remote:
            for name in ("../customer.fil", "a/b.fil", "customer.fil.tmp", "", "-rf", "a\r\nDELE b", "a\x00"):
                with pytest.raises(Broken, match="path_refused"):
                    await publish(remote, LATEST, name, io.BytesIO(b""), archive_folder=ARCHIVE, now=NOW)
            for folder in ("..", "/etc", "a/../b", "latest\n"):
                with pytest.raises(Broken, match="path_refused"):
                    await publish(remote, folder, NAME, io.BytesIO(b""), archive_folder=ARCHIVE, now=NOW)
        assert stage.names() == []


async def test_an_empty_file_is_a_file(tmp_path):
    with staged("ftp", tmp_path) as stage:
        await stage.hand_over(b"")
        assert (stage.there, (await stage.hand_over(b"")).unchanged) == (b"", True)


async def test_the_folder_can_be_cut_as_well(tmp_path):
    """The judge of cuts sees what a place without a connection does."""
    with staged("local", tmp_path) as stage:
        async with stage.opened() as remote:
            stage.faults.begin(cut_at=1)
            with pytest.raises(Retry):
                await CutOff(remote, stage.faults).look(LATEST)
