"""Loaders with one fault each; the checks must catch them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from storage.facts.streams import Batch, Stream
from storage.warehouse import Loader, LoadResult, LoadRun, Warehouse
from storage.warehouse.load import apply, fingerprint
from storage.warehouse.loader import pass_by
from storage.warehouse.session import Session, opened


class Faulty(Warehouse):
    """A warehouse whose loads have a fault."""

    loader: type[Loader] = Loader

    def begin(
        self,
        run: LoadRun,
        streams: Sequence[Stream] = (),
        *,
        queue_size: int = 4,
        checkpoint: Callable[[str], None] = pass_by,
    ) -> Loader:
        return self.loader(self._location, self._limits, run, streams, queue_size=queue_size, checkpoint=checkpoint)


class _CommitsEachTable(Loader):
    """Commits stream by stream, so that a run can be there by half."""

    def _attempt(
        self,
        cursors: Mapping[str, str],
        full: Collection[str],
        keep: Collection[str],
        fence: Any,
        *,
        agreed: Mapping[str, int],
    ) -> LoadResult:
        for name, staged in self._staging.streams.items():
            with opened(self._location, self._limits, write=True) as session, session.transaction():
                before = session.snapshot()
                applied = apply(
                    session,
                    self._run,
                    {name: staged},
                    {key: value for key, value in cursors.items() if key == name},
                    full=full,
                    keep_cursors=keep,
                    agreed=agreed,
                )
                session.commit()
            self._checkpoint("warehouse.before_commit")
        digest = fingerprint(applied.positions)
        return LoadResult(self._run.run_id, before, before + 1, applied.counts, self._run.extracted_at, digest)


class CommitsEachTable(Faulty):
    loader = _CommitsEachTable


class _LooksAfterTheCommit(Loader):
    """Asks whether it may write when it already did."""

    def _attempt(
        self,
        cursors: Mapping[str, str],
        full: Collection[str],
        keep: Collection[str],
        fence: Any,
        *,
        agreed: Mapping[str, int],
    ) -> LoadResult:
        result = super()._attempt(cursors, full, keep, None, agreed=agreed)
        if fence is not None:
            fence()
        return result


class LooksAfterTheCommit(Faulty):
    loader = _LooksAfterTheCommit


class _ForgetsDeletions(Loader):
    def write(self, batch: Batch) -> None:
        super().write(replace(batch, deleted=()))


class ForgetsDeletions(Faulty):
    loader = _ForgetsDeletions


class _RewritesEverything(Loader):
    """Takes every record for a changed one."""

    def write(self, batch: Batch) -> None:
        column = batch.rows.schema.get_field_index("_hash")
        salted = pa.array([f"{value}{self._run.run_id}" for value in batch.rows["_hash"].to_pylist()], pa.string())
        super().write(replace(batch, rows=batch.rows.set_column(column, "_hash", salted)))


class RewritesEverything(Faulty):
    loader = _RewritesEverything


class _LoadsAgain(Loader):
    """Does not compare with what is there: a load after a crash doubles the records."""

    def _attempt(
        self,
        cursors: Mapping[str, str],
        full: Collection[str],
        keep: Collection[str],
        fence: Any,
        *,
        agreed: Mapping[str, int],
    ) -> LoadResult:
        result = super()._attempt(cursors, full, keep, fence, agreed=agreed)
        with opened(self._location, self._limits, write=True) as session, session.transaction():
            session.run("INSERT INTO lake.main.raw_books_invoices FROM lake.main.raw_books_invoices")
            session.commit()
        return result


class LoadsAgain(Faulty):
    loader = _LoadsAgain


class _SkipsARow(Session):
    """Its statements pass over the record named "1"; each says how many rows it really touched."""

    verb = ""

    def count(self, sql: str, parameters: Sequence[object] = ()) -> int:
        if not sql.startswith(self.verb):
            return super().count(sql, parameters)
        return super().count(f"{sql} {'AND' if self.verb.startswith('DELETE') else 'WHERE'} id <> '1'", parameters)


class _SkipsARowUnnoticed(_SkipsARow):
    """Says what was planned: with it a load is as it would be without the count of what each statement touched."""

    def count(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return super().count(sql, parameters) + sql.startswith(self.verb)


_LINES = 'lake.main."raw_books_invoice_lines"'


class _SkipsLines(Session):
    """Its statements over lines pass over those of the record "1"; unnoticed, what is counted is what was planned."""

    verb = ""
    unnoticed = 0

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        super().run(self._cut(sql), parameters)

    def count(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return super().count(self._cut(sql), parameters) + (self.unnoticed if self._cut(sql) != sql else 0)

    def row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
        found = super().row(sql, parameters)
        return (0,) if self.unnoticed and sql.startswith(f"SELECT count(*) FROM {_LINES}") else found

    def _cut(self, sql: str) -> str:
        if not sql.startswith(f"{self.verb} {_LINES}"):
            return sql
        return f"{sql} {'AND' if self.verb.startswith('DELETE') else 'WHERE'} parent_id <> '1'"


class _Skips(Loader):
    session: type[Session] = Session

    def _attempt(
        self,
        cursors: Mapping[str, str],
        full: Collection[str],
        keep: Collection[str],
        fence: Any,
        *,
        agreed: Mapping[str, int],
    ) -> LoadResult:
        with opened(self._location, self._limits, write=True) as found:
            session = self.session(found._connection, found._location)
            with session.transaction():
                staged = self._staging.streams
                before = session.snapshot()
                applied = apply(
                    session, self._run, staged, cursors, full=full, keep_cursors=keep, agreed=agreed, keep_rows=True
                )
                session.commit()
        return LoadResult(self._run.run_id, before, before + 1, applied.counts, self._run.extracted_at, "")


def skipping(url: str, organization: str, verb: str, *, unnoticed: bool = False) -> Faulty:
    """Return a warehouse whose statements over the invoices that begin with the verb pass over the record "1"."""
    base = _SkipsARowUnnoticed if unnoticed else _SkipsARow
    session = type("Skipping", (base,), {"verb": f'{verb} lake.main."raw_books_invoices"'})
    warehouse = Faulty(url, organization, threads=1)
    warehouse.loader = type("SkippingLoader", (_Skips,), {"session": session})
    return warehouse


def skipping_lines(url: str, organization: str, verb: str, *, unnoticed: int = 0) -> Faulty:
    """Return a warehouse whose statements over lines that begin with the verb pass over those of the record "1"."""
    session = type("SkippingLines", (_SkipsLines,), {"verb": verb, "unnoticed": unnoticed})
    warehouse = Faulty(url, organization, threads=1)
    warehouse.loader = type("SkippingLoader", (_Skips,), {"session": session})
    return warehouse
