"""Answers "why?": reads, never writes."""

import re
from collections.abc import Sequence
from datetime import datetime

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.explain.chain import explain_metric
from jobs.explain.evidence import gather
from jobs.explain.tree import explain
from jobs.metrics.inputs import daily_of, streams_of
from jobs.metrics.standing import shown_of
from storage.facts.clock import Clock
from storage.facts.explain import Explanation
from storage.facts.metric_why import MetricEvidence, MetricWhy
from storage.facts.metrics import Metric
from storage.facts.people import Action, Actor, Member
from storage.records import metric_changes, metric_evidence, metrics, sources
from storage.records.about import sources_of_message
from storage.sessions import Session

#: values of a metric that are looked at
_VALUES = 12


class ExplainService:
    """Explains how a source of the actor's own organization stands."""

    def __init__(self, desk: Desk, clock: Clock, *, read_budget: int, sender: str = "") -> None:
        self._desk = desk
        self._clock = clock
        self._budget = read_budget
        self._sender = sender

    async def why(self, actor: Actor, source_id: str, *, asks_mail: bool = False) -> Explanation:
        """Return the one cause; NotFoundError for a missing source and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> Explanation:
            source = sources.visible(session, member.organization_id, source_id)
            if source is None:
                raise NotFoundError
            return explain(
                gather(
                    session,
                    member,
                    source,
                    self._clock.now(),
                    budget=self._budget,
                    asks_mail=asks_mail,
                    sender=self._sender,
                )
            )

        return await self._desk.read(work)

    async def metric(self, actor: Actor, words: str) -> MetricWhy | None:
        """Return the way of a metric's data, link by link; None for words that name none of the organization's.

        A whole name comes before one that stands in a sentence, a longer one before a shorter.
        """
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> MetricWhy | None:
            found = _named(metric_evidence.names(session, member.organization_id), words)
            return self._why(session, member, found) if found is not None else None

        return await self._desk.read(work)

    async def metric_of(self, actor: Actor, metric_id: str) -> MetricWhy:
        """Return the same by the metric's id; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: self._why(session, member, metric_id))

    def _why(self, session: Session, member: Member, metric_id: str) -> MetricWhy:
        metric = metric_changes.find(session, member.organization_id, metric_id)
        if metric is None:
            raise NotFoundError
        now, source = self._clock.now(), sources.source(session, metric.source_id)
        evidence = gather(session, member, source, now, budget=self._budget, sender=self._sender)
        return metric_chain(session, metric, explain(evidence), now)

    async def about(self, actor: Actor, delivery_id: str) -> list[str]:
        """Return the ids of the sources that a message of ours is about; none for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: sources_of_message(session, member.organization_id, delivery_id))


def metric_chain(session: Session, metric: Metric, source: Explanation, now: datetime) -> MetricWhy:
    """Return the way of a metric's data, link by link, from what is known of its source."""
    values = {metric.id: tuple(metrics.newest_values(session, metric.id, _VALUES))}
    return explain_metric(
        MetricEvidence(
            now,
            shown_of(session, [metric], values, now)[0],
            source,
            streams_of(metric.definition),
            daily_of(metric.definition),
            metric_evidence.turn(session, metric.source_id),
            *metric_evidence.written(session, metric),
        )
    )


def _named(known: Sequence[tuple[str, str]], words: str) -> str | None:
    """Return the id of the metric that is called so, or whose name is the longest that the words hold."""
    said = metrics.name_key(re.sub(r"[?!“”\"]", " ", words))
    whole = {name: metric_id for metric_id, name in known}
    if said in whole:
        return whole[said]
    held = [name for name in whole if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said)]
    return whole[max(held, key=len)] if held else None
