"""The QuickBooks connector."""

import contextlib
import hashlib
import re
from calendar import monthrange
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial

import msgspec

from connectors.base import Access, Collected, Mark, Progress, Session, Sink, mark, serial
from connectors.base import Company as Owner
from connectors.errors import Broken
from connectors.http import Http
from connectors.intake import Intake
from connectors.limits import Rate
from connectors.oauth import TokenEndpoint, TokenKeeper, TokenStyle
from connectors.quickbooks import reports
from connectors.quickbooks.company import Company
from connectors.quickbooks.faults import judge
from connectors.quickbooks.reading import Reader, Reading
from connectors.quickbooks.reports import REPORTS, Report
from connectors.quickbooks.statements import ENTITIES, Entity
from connectors.quickbooks.tables import READY
from connectors.side_by_side import together
from connectors.wire import Wire
from storage.facts.clock import aware
from storage.facts.ready import ReadyTable
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream

_REALM = re.compile(r"[0-9]{1,32}", re.ASCII)
#: 10 calls a second per company and app, 500 a minute per company.
RATES = (Rate(per_second=10, burst=10), Rate(per_second=500 / 60, burst=500))


class _CompanyInfo(msgspec.Struct, rename="pascal"):
    company_name: str


class _CompanyAnswer(msgspec.Struct, rename="pascal"):
    company_info: _CompanyInfo


class QuickBooksConnector:
    """Collected by a timer; reads are metered, so reports are read only after a change."""

    provider = Provider.QUICKBOOKS
    mode = CollectMode.TIMER
    label = "QuickBooks"
    streams: tuple[Stream, ...] = (
        *(entity.shape.stream for entity in ENTITIES),
        *(report.stream for report in REPORTS),
    )
    ready: tuple[ReadyTable, ...] = READY

    @contextlib.asynccontextmanager
    async def session(self, access: Access) -> AsyncIterator[Session]:
        """Open a connection to one company."""
        realm, settings = access.account, access.settings
        if not _REALM.fullmatch(realm):
            raise Broken("this is no QuickBooks company id", code="account_malformed")
        endpoint = TokenEndpoint(settings.token_url, settings.client_id, settings.client_secret, TokenStyle.BASIC_FORM)
        keeper = TokenKeeper(access.tokens, endpoint, clock=access.clock, limits=settings.limits)
        async with Wire(settings.api_url, limits=settings.limits) as wire:
            http = Http(
                wire, keeper, clock=access.clock, limiter=access.limiter, key=f"quickbooks:{realm}", rates=RATES,
                headers=_headers, judge=judge, writes=access.writes,
            )  # fmt: skip
            yield Session(access, http, keeper)

    async def probe(self, session: Session) -> Owner:
        """Ask for the company's name."""
        realm = session.access.account
        answer = await Company(session.http, realm).get(f"/companyinfo/{realm}", "companyinfo", {})
        try:
            return Owner(realm, msgspec.json.decode(answer.body, type=_CompanyAnswer).company_info.company_name)
        except msgspec.MsgspecError as error:
            raise Broken("QuickBooks did not tell the company's name", code="page_unreadable") from error

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read records (changes side by side, whole lists one after another), then the reports if anything moved."""
        until, one_by_one = aware(until), serial(sink)
        company = Company(session.http, session.access.account)
        marks = {entity.name: mark(cursors.get(entity.shape.name), until) for entity in ENTITIES}
        width = session.access.settings.limits.connections

        def read(entity: Entity) -> "Reader":
            return Reader(
                company, entity, session.access.held, partial(Intake, entity.shape, one_by_one, progress), width
            )

        readings = [await read(entity).read(None, until) for entity in ENTITIES if marks[entity.name] is None]
        readings += await together(
            read(entity).read(marks[entity.name], until) for entity in ENTITIES if marks[entity.name] is not None
        )
        state = _state(readings, until)
        due = [report for report in REPORTS if cursors.get(report.stream.name) != state]
        for report in due:
            await _read_report(company, report, until, one_by_one, progress)
        return _collected(session, readings, {report.stream.name: state for report in REPORTS}, due, until)


async def _read_report(company: Company, report: Report, until: datetime, sink: Sink, progress: Progress) -> None:
    """Read one report by month, from January of last year to the end of this month, on the accrual basis."""
    first, last = f"{until.year - 1}-01-01", _month_end(until)
    params = {
        "start_date": first,
        "end_date": last,
        "accounting_method": "Accrual",
        "summarize_column_by": "Month",
    }
    answer = await company.get(f"/reports/{report.name}", f"report {report.name}", params)
    found = reports.batch(report, answer.body)
    await sink(found)
    progress(report.stream.name, found.rows.num_rows, found.rows.num_rows)


def _month_end(moment: datetime) -> str:
    return f"{moment:%Y-%m}-{monthrange(moment.year, moment.month)[1]:02d}"


def _state(readings: list[Reading], until: datetime) -> str:
    """Name what the reports depend on: newest change and number of each entity's records, all accounts, and the day.

    Transactions of kinds that are not read yet (purchases, deposits) show in the balances of accounts; what moves
    between two expense accounts inside one of them does not, so the reports are read at least once a day.
    """
    parts = sorted(f"{reading.name}={reading.cursor.newest}/{reading.cursor.count}" for reading in readings)
    return hashlib.sha256("\n".join((*parts, until.date().isoformat())).encode()).hexdigest()[:32]


def _collected(
    session: Session, readings: list[Reading], reports_at: dict[str, str], due: list[Report], until: datetime
) -> Collected:
    behind = session.http.behind
    cursors = {r.name: str(Mark(r.cursor.read_to - behind, r.cursor.newest, r.cursor.count)) for r in readings}
    read = tuple(report.stream.name for report in due)
    rounded = sum(reading.rounded for reading in readings)
    note = f"{rounded} amounts have more decimals than their column: rounded there, exact in the raw record."
    return Collected(
        source_as_of=until,
        cursors={**cursors, **reports_at},
        reads=session.http.reads,
        full=(*(reading.name for reading in readings if reading.full), *read),
        keep_cursors=(*(reading.name for reading in readings if reading.keep), *read),
        notes=(note,) if rounded else (),
    )


def _headers(token: Secret) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"}
