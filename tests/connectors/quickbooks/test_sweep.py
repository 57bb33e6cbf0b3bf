"""Noted work: no call tells of its deletions, and one that is gone and one that came unseen make the same count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.providers.quickbooks import QuickBooks
from storage.facts.clock import OffsetClock
from tests.connectors.quickbooks.test_collect import assert_true
from tests.connectors.worlds import REALM, quickbooks_world


@pytest.mark.parametrize("sweeps", [True, False], ids=["sweeps", "twin that does not"])
async def test_after_the_night_noted_work_is_what_the_company_has(*, sweeps: bool) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0)
    clock = OffsetClock(noon - datetime.now(UTC))
    app = QuickBooks.generated(seed=5, invoices=20, documents=3, clock=clock)
    books = app.books[REALM]
    old = {"CreateTime": "2026-01-01T00:00:00+00:00", "LastUpdatedTime": "2026-01-01T00:00:00+00:00"}
    async with quickbooks_world(app, clock) as world:
        await world.collect()
        first, *others = books.truth("TimeActivity")
        books.set_records("TimeActivity", [*others, first | {"Id": "990001", "MetaData": old}])
        clock.advance(timedelta(hours=1))
        world.access = replace(world.access, sweeps=sweeps)
        done = await world.collect()
        assert done.guarded == (("time_activities",) if sweeps else ())
        if sweeps:
            assert_true(world, app)
            # What only counts tell of is guarded too: it may be the provider that counts wrongly.
            world.access = replace(world.access, sweeps=False)
            books.set_records("TimeActivity", books.truth("TimeActivity")[:1])
            clock.advance(timedelta(days=1))
            assert "time_activities" in (await world.collect()).guarded
            assert_true(world, app)
            return
        with pytest.raises(AssertionError):
            assert_true(world, app)
