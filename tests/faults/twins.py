"""The product as it is, and twins of it with one bug each, which the oracle must catch."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.main import App, Options
from jobs.build import Jobs, Tuning
from jobs.deliver.again import Again
from jobs.deliver.handler import DeliveryHandler
from jobs.deliver.mail import MailSender
from jobs.deliver.mailing import Mailing
from jobs.deliver.posting import Posting
from jobs.deliver.results import Accepted, Refused
from jobs.engine import Handler, WorkContext
from jobs.notify.notifier import Notifier
from jobs.refresh.clicks import ClickService, Played
from jobs.refresh.collecting import Collecting
from jobs.refresh.handler import RunHandler
from jobs.webhooks.handler import WebhookHandler
from jobs.webhooks.service import Taken, WebhookService
from storage.facts.clicks import Click
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.runs import Run
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from storage.facts.webhooks import Event, Webhook
from storage.records import clicks, webhooks
from storage.sessions import Database, Session
from storage.settings import Settings
from storage.warehouse import Loader, LoadResult


@dataclass(frozen=True)
class Parts:
    """What a life is made of."""

    settings: Settings
    database: Database
    clock: Clock
    tuning: Tuning
    checkpoint: Callable[[str], None]
    options: Options

    def notifier(self, jobs: Jobs) -> Notifier:
        return Notifier(
            jobs.engine.enqueue,
            support_channel=self.settings.support_channel,
            support_email=self.settings.support_email,
        )


def as_it_is(parts: Parts, jobs: Jobs) -> App:
    return App(parts.settings, parts.database, jobs, parts.options)


def _with_handler(parts: Parts, jobs: Jobs, kind: str, handler: Handler) -> App:
    return as_it_is(parts, dataclasses.replace(jobs, handlers={**jobs.handlers, kind: handler}))


class AnswersFirst:
    """Twin: answers a webhook before it is kept."""

    def __init__(self, service: WebhookService) -> None:
        self._service = service
        self._later: set[asyncio.Task[None]] = set()

    async def take(self, provider: Provider, events: Sequence[Event]) -> Taken:
        async def later() -> None:
            await asyncio.sleep(5)
            await self._service.take(provider, events)

        self._later.add(asyncio.create_task(later()))
        return Taken(kept=len(events))


def _answers_first(parts: Parts, jobs: Jobs) -> App:
    return as_it_is(parts, dataclasses.replace(jobs, webhooks=AnswersFirst(jobs.webhooks)))  # type: ignore[arg-type]  # a twin


async def _hesitates(_work: WorkContext) -> None:
    await asyncio.Event().wait()


def _only_takes(parts: Parts, jobs: Jobs) -> App:
    """No twin: dies, whenever that is, before it has acted on any webhook, as far as its worker goes."""
    return _with_handler(parts, jobs, "webhook", _hesitates)


class SettlesFirst(WebhookHandler):
    """Twin: says that an event is acted on, then acts."""

    async def _done(self, webhook: Webhook, attempt: int) -> str:
        await self._ground.database.writing(lambda session: webhooks.settle(session, webhook, "done", webhook.at))
        self._ground.checkpoint("webhook.settled")
        return await super()._done(webhook, attempt)


def _settles_first(parts: Parts, jobs: Jobs) -> App:
    handler = SettlesFirst(jobs.ground, parts.notifier(jobs), jobs.engine.enqueue)
    return _with_handler(parts, jobs, "webhook", handler.handle)


def _delivering(kind: type[DeliveryHandler], *, quiet: timedelta | None = None) -> Callable[[Parts, Jobs], App]:
    def build(parts: Parts, jobs: Jobs) -> App:
        mail = MailSender(Secret(parts.settings.smtp_url.get_secret_value()), parts.settings.mail_from)
        handler = kind(
            parts.database,
            parts.clock,
            jobs.engine.enqueue,
            parts.notifier(jobs),
            Posting(parts.database, parts.clock, jobs.sender),
            Mailing(parts.database, parts.clock, mail),
            may_act=jobs.engine.may_act,
            checkpoint=parts.checkpoint,
            quiet=parts.tuning.quiet if quiet is None else quiet,
        )
        return _with_handler(parts, jobs, "delivery", handler.handle)

    return build


class SendThenMark(DeliveryHandler):
    """Twin: sends first and writes it down afterwards; no intent."""

    async def _send(self, delivery: Delivery) -> Again | None:
        if delivery.channel is not Channel.SLACK:
            return await super()._send(delivery)
        result = await _prepared(self, delivery)
        self._checkpoint("delivery.called")
        if isinstance(result, Accepted):
            await self._settle(delivery, DeliveryState.SENT, accepted=result)
        return None if isinstance(result, Accepted) else Again(0.2)


class MarkThenSend(DeliveryHandler):
    """Twin: writes down that it is sent, then sends."""

    async def _send(self, delivery: Delivery) -> Again | None:
        if delivery.channel is not Channel.SLACK or delivery.kind != "refresh_finished":
            return await super()._send(delivery)
        await self._settle(delivery, DeliveryState.SENT)
        self._checkpoint("delivery.marked")
        await _prepared(self, delivery)
        return None


class SendsAgain(DeliveryHandler):
    """Twin: after a doubt it sends again without a look."""

    async def _reconciled(self, delivery: Delivery) -> Again | None:
        return None


async def _prepared(handler: DeliveryHandler, delivery: Delivery) -> Any:
    thread = await handler._posting.thread_of(delivery, handler.attempt)
    if isinstance(thread, Again):
        return None
    prepared = await handler._posting.prepare(delivery, thread)
    return prepared if isinstance(prepared, Refused) else await prepared()


def _collecting(kind: type[Collecting]) -> Callable[[Parts, Jobs], App]:
    def build(parts: Parts, jobs: Jobs) -> App:
        handler = RunHandler(jobs.ground, parts.notifier(jobs), jobs.engine.enqueue, parts.tuning.retries)
        handler._collecting = kind(jobs.ground)
        return _with_handler(parts, jobs, "run", handler.handle)

    return build


class LoadsAgain(Collecting):
    """Twin: after a crash it reads and loads anew, under a name of its own, without a look at what is there."""

    async def _collected_once(self, run: Run, source: Source, generation: int, known: dict[str, Any]) -> None:
        warehouse = self._ground.warehouses.of(source.organization_id)
        anew = dataclasses.replace(run, id=f"{run.id}-g{generation}")

        class Renamed:
            """The warehouse, with another name for the run."""

            def begin(self, load: Any, *arguments: Any, **options: Any) -> Any:
                return warehouse.begin(dataclasses.replace(load, run_id=anew.id), *arguments, **options)

            def __getattr__(self, name: str) -> Any:
                return getattr(warehouse, name)

        await self._read_and_load(run, source, generation, Renamed(), known)  # type: ignore[arg-type]


class Unfenced(Collecting):
    """Twin: commits to the warehouse whoever holds the run and the organization by now."""

    async def _commit(
        self,
        run: Run,
        source: Source,
        generation: int,
        load: Loader,
        writer: Any,
        collected: Any,
        plan: dict[str, Any],
    ) -> LoadResult:
        # In the thread at once: nothing that the loop is told meanwhile comes in between.
        return load.commit(collected.cursors, collected.full, keep_cursors=collected.keep_cursors)


class CursorsLater(Collecting):
    """Twin: commits the rows, and the cursors that say so afterwards."""

    async def _commit(
        self,
        run: Run,
        source: Source,
        generation: int,
        load: Loader,
        writer: Any,
        collected: Any,
        plan: dict[str, Any],
    ) -> LoadResult:
        return await super()._commit(
            run, source, generation, load, writer, dataclasses.replace(collected, cursors={}, keep_cursors=()), plan
        )


def _clicking(kind: type[ClickService]) -> Callable[[Parts, Jobs], App]:
    def build(parts: Parts, jobs: Jobs) -> App:
        service = kind(jobs.desk, parts.clock, jobs.services.refresh, parts.checkpoint)
        return as_it_is(parts, dataclasses.replace(jobs, services=dataclasses.replace(jobs.services, clicks=service)))

    return build


class AcksFirst(ClickService):
    """Twin: writes an accepted click down after the ack."""

    async def _written(self, click: Click) -> bool:
        return True

    def _play(self, session: Session, click: Click) -> Played | None:
        clicks.accept(session, click)
        return super()._play(session, click)


class ForgetsFirst(ClickService):
    """Twin: deletes the accepted click in a transaction of its own before it gives it its effect."""

    async def play(self, click: Click) -> Played | None:
        await self.settle(click)
        self._checkpoint("click.forgotten")
        return await super().play(click)

    def _play(self, session: Session, click: Click) -> Played | None:
        clicks.accept(session, click)
        return super()._play(session, click)


class NeverLooks(ClickService):
    """Twin: plays what its own process accepted, and never what another one left."""

    async def waiting(self, longer_than: timedelta) -> list[Click]:
        return []


class _Blind:
    """A reaper that never looks."""

    def start(self) -> None:
        return

    def stop(self) -> None:
        return


def _without_reaper(parts: Parts, jobs: Jobs) -> App:
    app = as_it_is(parts, dataclasses.replace(jobs, sweeps=[one for one in jobs.sweeps if one.name != "stranded"]))
    app.engine._reaper = _Blind()  # type: ignore[assignment]
    return app


#: Whatever calls support: the deadlines, and the auditor that makes up for what they left out.
_CALLING = ("deadlines", "escalations")


def _leaves_escalation_open(parts: Parts, jobs: Jobs) -> App:
    return as_it_is(parts, dataclasses.replace(jobs, sweeps=[one for one in jobs.sweeps if one.name not in _CALLING]))


TWINS: dict[str, Callable[[Parts, Jobs], App]] = {
    "": as_it_is,
    "send-then-mark": _delivering(SendThenMark),
    "mark-then-send": _delivering(MarkThenSend),
    "sends-again": _delivering(SendsAgain),
    "no-quiet": _delivering(DeliveryHandler, quiet=timedelta(0)),
    "loads-again": _collecting(LoadsAgain),
    "unfenced": _collecting(Unfenced),
    "cursors-later": _collecting(CursorsLater),
    "acks-first": _clicking(AcksFirst),
    "forgets-first": _clicking(ForgetsFirst),
    "never-looks": _clicking(NeverLooks),
    "no-reaper": _without_reaper,
    "answers-first": _answers_first,
    "settles-first": _settles_first,
    "only-takes": _only_takes,
    "no-deadlines": _leaves_escalation_open,
}
