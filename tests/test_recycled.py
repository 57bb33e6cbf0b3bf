"""A database that served a test is as the template is, or does not serve another."""

import psycopg
import pytest

from tests.databases import with_database
from tests.recycled import Recycled

#: What a test may do, and whether the database serves another one.
DONE = {
    "rows": (
        "INSERT INTO renewals_begun VALUES ('s', 'n', 'b', 'l', now())",
        True,
    ),
    "a number drawn": ("CREATE TEMPORARY TABLE own AS SELECT nextval(seqrelid::regclass) FROM pg_sequence", True),
    "a trigger that is off": ("ALTER TABLE audit DISABLE TRIGGER audit_append_only", False),
    "a trigger less": ("DROP TRIGGER audit_append_only ON audit", False),
    "a table more": ("CREATE TABLE more (id text)", False),
    "a column more": ("ALTER TABLE audit ADD COLUMN more text", False),
    "a schema more": ("CREATE SCHEMA more", False),
    "another revision": ("UPDATE tidings_version SET version_num = 'other'", False),
}


@pytest.mark.postgres
def test_what_a_test_does_is_not_there_for_the_next(postgres_server: str, postgres_template: str) -> None:
    pool = Recycled(postgres_server, postgres_template)
    try:
        for what, (statement, again) in DONE.items():
            name = pool.take()
            late = psycopg.connect(with_database(postgres_server, name), autocommit=True)
            late.execute(statement)
            pool.give_back(name)
            with pytest.raises(psycopg.OperationalError):
                late.execute("SELECT 1")
            with pytest.raises(psycopg.OperationalError, match="does not exist"):
                psycopg.connect(with_database(postgres_server, name))
            assert bool(pool._free) is again, what
            with psycopg.connect(with_database(postgres_server, found := pool.take()), autocommit=True) as connection:
                assert connection.execute("SELECT count(*) FROM renewals_begun").fetchone() == (0,)
                drawn = connection.execute("SELECT bool_or(last_value IS NOT NULL) FROM pg_sequences").fetchone()
                assert drawn in {(None,), (False,)}, what
            pool.give_back(found)
            pool.close()
    finally:
        pool.close()
