"""Whether a database is current is told without alembic, and must say what alembic would."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

import storage.migrate
from storage.migrate import migrate
from storage.sessions import open_database
from storage.shape import VERSION_TABLE, is_current, newest_revision


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.migrate.__file__).with_name("migrations")))
    return ScriptDirectory.from_config(config)


def test_the_newest_migration_is_the_one_that_alembic_would_go_to() -> None:
    assert [newest_revision()] == scripts().get_heads()


def test_each_migration_is_named_by_its_id_and_follows_the_one_before() -> None:
    found = [(each.revision, each.down_revision, Path(each.path).name) for each in scripts().walk_revisions()][::-1]
    assert [revision for revision, _, _ in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    assert [down for _, down, _ in found] == [None, *[revision for revision, _, _ in found[:-1]]]
    assert all(name.startswith(f"{revision}_") for revision, _, name in found)


def says(engine: Engine, found: list[str]) -> bool:
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {VERSION_TABLE}"))
        for number in found:
            connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES (:number)"), {"number": number})
    return is_current(engine)


def test_only_a_database_at_the_newest_migration_is_current(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'shape.db'}")
    try:
        assert not is_current(database.engine)
        migrate(database)
        assert is_current(database.engine)
        for found in ([], ["0001"], ["9999"], ["0001", newest_revision()]):
            assert not says(database.engine, found), found
        assert says(database.engine, [newest_revision()])
    finally:
        database.close()
