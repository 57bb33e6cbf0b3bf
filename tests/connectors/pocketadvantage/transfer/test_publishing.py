"""A file takes its place whole, is recognised, kept and restored: by every way that files travel."""

import pytest

from tests.connectors.pocketadvantage.transfer.stage import KINDS, NAME, staged

OLD, NEW = b"CUST_NO\tNAME\r\n1\tOld\r\n" * 40, b"CUST_NO\tNAME\r\n1\tNew\r\n2\tOther\r\n" * 60


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
