"""What Prometheus is told: the collection in figures, and the work that was noted down."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from db.measures import Counts, counts
from heritage.care import measures
from heritage.care.housekeeping import newest_backup
from heritage.care.leases import TRIES
from heritage.care.measures import Kind, Measure
from heritage.care.readiness import looking_on, why_not_ready
from heritage.care.tally import Sums, Tally
from heritage.errors import HeritageError
from heritage.settings import Settings

FRESH = 15.0
"""Seconds for which figures of the catalogue are told again without being counted again."""

Values = Mapping[str, float]


class CollectionCollector(Collector):
    """The collection as the catalogue has it; only ``heritage_ready`` where it cannot be asked.

    Args:
        settings: Of the site.
        clock: Seconds that pass.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._known: list[Metric] = []
        self._until = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Nothing is counted to be registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The figures, at most ``FRESH`` seconds old."""
        with self._lock:
            if self._clock() >= self._until:
                self._known = list(self._counted())
                self._until = self._clock() + FRESH
            return self._known

    def _counted(self) -> Iterator[Metric]:
        ready = why_not_ready(self._settings) is None
        figures: dict[Measure, Values] = {}
        with suppress(HeritageError):
            if ready:
                figures = _figures(self._settings)
        yield _family(measures.READY, {"": float(bool(figures))})
        for measure, values in figures.items():
            yield _family(measure, values)


class WorkCollector(Collector):
    """The work of all processes of this workspace, those that are gone included.

    Args:
        home: The workspace.
    """

    def __init__(self, home: Path) -> None:
        self._tally = Tally(home)
        self._last = Sums()

    def describe(self) -> Iterable[Metric]:
        """Nothing is read to be registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The sums; those of the last time where they cannot be read, for they never fall."""
        with suppress(OSError, sqlite3.Error):
            self._last = self._tally.read()
        return [self._told(measure) for measure in measures.OF_WORK]

    def _told(self, measure: Measure) -> Metric:
        sums = self._last
        if measure is measures.PROCESSES:
            return _family(measure, {"": sums.processes})
        if measure.kind is Kind.HISTOGRAM:
            return _histogram(measure, sums)
        labels = measure.values or (sums.labels(measure) if measure.label else [""])
        return _family(measure, {label: sums.of(measure, label) for label in labels})


def registry(settings: Settings) -> CollectorRegistry:
    """All that this site tells."""
    made = CollectorRegistry(auto_describe=False)
    made.register(CollectionCollector(settings))
    made.register(WorkCollector(settings.home))
    return made


def exposition(told: CollectorRegistry, accept: str = "") -> tuple[bytes, str]:
    """The metrics as text, and what kind of text it is.

    Args:
        told: From ``registry``.
        accept: What the reader asks for: Prometheus's own format, or OpenMetrics.
    """
    encode, kind = choose_encoder(accept)
    return encode(told), kind


def _figures(settings: Settings) -> dict[Measure, Values]:
    with looking_on(settings) as session:
        found = counts(session, datetime.now(UTC), TRIES)
    leases = found.leases
    return {
        measures.MASTERS: {"": found.masters},
        measures.WAITING: vars(found.waiting),
        measures.RESTORATIONS: _all(measures.RESTORATIONS, found.restorations),
        measures.REGIONS: {"": found.regions},
        measures.PIXELS: {"": found.pixels},
        measures.REFUSALS: _refusals(found),
        measures.HELD: {"held": leases.held, "lapsed": leases.lapsed},
        measures.SET_ASIDE: {"": leases.set_aside},
        measures.HOLDINGS: _all(measures.HOLDINGS, found.holdings),
        measures.WORKLIST_LENGTH: vars(found.worklist),
        measures.UNDECIDED: {"": found.undecided},
        measures.AUDITED: {"": _moment(found.audited)},
        measures.BACKED_UP: {"": newest_backup(settings) or 0.0},
    }


def _all(measure: Measure, found: Mapping[Any, int]) -> Values:
    """Every value of the label, zeros as well: Prometheus sees rises only of what was there."""
    return {value: found.get(value, 0) for value in measure.values}


def _refusals(found: Counts) -> Values:
    by_kind = dict.fromkeys(measures.KINDS, 0)
    for fault, number in found.refusals.items():
        by_kind[measures.kind_of(fault)] += number
    return by_kind


def _moment(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()


def _family(measure: Measure, values: Values) -> Metric:
    labels = [measure.label] if measure.label else []
    family: CounterMetricFamily | GaugeMetricFamily
    if measure.kind is Kind.COUNTER:
        family = CounterMetricFamily(measure.name, measure.meaning, labels=labels)
    else:
        family = GaugeMetricFamily(measure.name, measure.meaning, labels=labels)
    for label, value in values.items():
        family.add_metric([label] if labels else [], value)
    return family


def _histogram(measure: Measure, sums: Sums) -> Metric:
    family = HistogramMetricFamily(measure.name, measure.meaning, labels=[measure.label])
    for label in measure.values:
        amounts, seconds = sums.classes(measure, label)
        family.add_metric([label], amounts, seconds)
    return family
