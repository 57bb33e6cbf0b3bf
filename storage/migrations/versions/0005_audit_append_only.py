"""The audit is append-only in the database too: nothing in it changes, and only what is past its term goes."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: History is kept for 400 days; retention may remove what is older, and nobody anything else.
_TERM_DAYS = 399


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _on_sqlite()
    else:
        _on_postgres()


def _on_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_never_goes BEFORE DELETE ON audit "
        f"WHEN OLD.at > strftime('%Y-%m-%dT%H:%M:%S', 'now', '-{_TERM_DAYS} days') "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    )


def _on_postgres() -> None:
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND OLD.at <= now() - interval '{_TERM_DAYS} days' THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'the audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()"
    )
