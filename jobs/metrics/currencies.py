"""How it is said that amounts are in several currencies: nothing here adds them up, and nothing converts them."""

from collections.abc import Collection

from storage.facts.metrics import Metric, MetricState

_NOT_ADDED, _NOT_CONVERTED = "which are not added up", "and nothing is converted"


def not_added(codes: Collection[str]) -> str:
    """Return why records of several currencies come to nothing."""
    return f"its records are in several currencies ({', '.join(sorted(codes))}), {_NOT_ADDED}"


def not_converted(codes: Collection[str]) -> str:
    """Return why two sides of a ratio come to nothing, or one that is wanted in another currency."""
    return f"its amounts are in {', '.join(sorted(codes))}, {_NOT_CONVERTED}"


def is_mixed(metric: Metric) -> bool:
    """Whether it is broken because its amounts are in several currencies."""
    return metric.state is MetricState.BROKEN and metric.reason.endswith((_NOT_ADDED, _NOT_CONVERTED))
