"""Groups of exceptions: what is counted in a range, and whether a group is dealt with."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from otel_fmd.actions import exceptions as actions
from otel_fmd.errors import ConfigurationError, NotFoundError
from otel_fmd.people.actor import OPERATOR
from otel_fmd.queries.exception_groups import Groups, Span, Status, Wanted, counts, statuses, totals
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.exceptions import ExceptionCompactor
from otel_fmd.store.store import Store
from tests.support.raising import batch_of, place_an_order, raised, read_a_file, with_exception
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import writer

MINUTE_NS = 60_000_000_000
DAY_US = 86_400_000_000


ENDS_AFTER_NS = 11_000_000
"""How long after its start a span of `Spans` ends."""


def occur(
    store: Store,
    version: str,
    number: int = 1,
    what: BaseException | None = None,
    before_ns: int = ENDS_AFTER_NS,
) -> None:
    """Requests that fail now, in a version."""
    error = raised(place_an_order, 7) if what is None else what
    spans = [
        with_exception(Spans(random.randrange(2**30), time.time_ns() - before_ns).span(), error)
        for _ in range(number)
    ]
    writer(store).write(batch_of(spans, version=version))


def status(store: Store, group_id: int = 1, later_us: int = 0) -> Status:
    """Of a group, now or later."""
    with Reader(store).snapshot() as snapshot:
        groups = Groups(snapshot)
        now = time.time_ns() // 1000 + later_us
        return statuses(snapshot, groups, [groups.root(group_id)], now)[groups.root(group_id)]


def test_a_resolved_group_that_occurs_again_is_regressed(store: Store) -> None:
    """Until it is resolved anew."""
    occur(store, "1")
    assert status(store) is Status.UNRESOLVED
    actions.resolve(OPERATOR, store, 1)
    assert status(store) is Status.RESOLVED
    occur(store, "1")
    assert status(store) is Status.REGRESSED
    actions.resolve(OPERATOR, store, 1)
    assert status(store) is Status.RESOLVED
    actions.reopen(OPERATOR, store, 1)
    assert status(store) is Status.UNRESOLVED


def test_resolved_in_the_next_version(store: Store) -> None:
    """Old versions go on raising it until they are replaced; that is no regression."""
    occur(store, "1")
    occur(store, "2")
    actions.resolve(OPERATOR, store, 1, actions.IN_NEXT)
    occur(store, "1")
    occur(store, "2")
    assert status(store) is Status.RESOLVED
    occur(store, "3", before_ns=0)
    assert status(store) is Status.REGRESSED


def test_resolved_in_a_version(store: Store) -> None:
    """That one and newer ones count, older ones do not."""
    for version in ("1", "2", "3"):
        occur(store, version)
    actions.resolve(OPERATOR, store, 1, actions.IN_VERSION, "2")
    occur(store, "1")
    assert status(store) is Status.RESOLVED
    occur(store, "2")
    assert status(store) is Status.REGRESSED


def test_what_is_ignored_comes_back_when_it_is_due(store: Store) -> None:
    """For a time, or for a number of occurrences; or never."""
    occur(store, "1", 3)
    actions.ignore(OPERATOR, store, 1, days=1)
    assert status(store) is Status.IGNORED
    assert status(store, later_us=DAY_US + 1) is Status.UNRESOLVED
    actions.ignore(OPERATOR, store, 1, times=2)
    occur(store, "1")
    assert status(store) is Status.IGNORED
    occur(store, "1")
    assert status(store) is Status.UNRESOLVED
    actions.ignore(OPERATOR, store, 1)
    assert status(store, later_us=10**6 * DAY_US) is Status.IGNORED


@pytest.mark.parametrize(
    ("attempt", "error", "words"),
    [
        (lambda s: actions.resolve(OPERATOR, s, 9), NotFoundError, "exception group 9"),
        (lambda s: actions.resolve(OPERATOR, s, 1, "soon"), ConfigurationError, "'soon'"),
        (
            lambda s: actions.resolve(OPERATOR, s, 1, actions.IN_VERSION, "none"),
            ConfigurationError,
            "version 'none'",
        ),
        (lambda s: actions.ignore(OPERATOR, s, 1, days=-1), ConfigurationError, "-1 days"),
        (lambda s: actions.ignore(OPERATOR, s, 1, times=0), ConfigurationError, "ignore 0 times"),
        (lambda s: actions.merge(OPERATOR, s, [1], 1), ConfigurationError, "into itself"),
        (lambda s: actions.merge(OPERATOR, s, [77], 1), NotFoundError, "exception group 77"),
        (lambda s: actions.split(OPERATOR, s, 1, []), ConfigurationError, "but not all"),
        (lambda s: actions.split(OPERATOR, s, 1, [1]), ConfigurationError, "but not all"),
        (lambda s: actions.note(OPERATOR, s, 1, "x" * 10_001), ConfigurationError, "10,001"),
        (lambda s: actions.assign(OPERATOR, s, 1, "x" * 251), ConfigurationError, "251"),
    ],
)
def test_what_cannot_be_decided_is_said(
    sqlite_store: Store, attempt: object, error: type[Exception], words: str
) -> None:
    """With the value, and what was expected; nothing is changed."""
    occur(sqlite_store, "1")
    with pytest.raises(error, match=words):
        attempt(sqlite_store)  # type: ignore[operator]
    assert status(sqlite_store) is Status.UNRESOLVED


def test_merged_groups_count_as_one_and_what_comes_does_too(store: Store) -> None:
    """In both directions, and also when they were merged in two steps."""
    occur(store, "1")
    occur(store, "1", 2, raised(read_a_file, "a"))
    actions.merge(OPERATOR, store, [1], 2)
    occur(store, "1", 3)
    found = total(store)
    assert found == {2: 6}
    with pytest.raises(ConfigurationError, match="into itself"):
        actions.merge(OPERATOR, store, [2], 1)
    actions.unmerge(OPERATOR, store, 1)
    assert total(store) == {1: 4, 2: 2}


def test_a_group_that_is_taken_out_again_keeps_what_came_meanwhile(store: Store) -> None:
    """Variants that appear while it is merged are its own, too."""

    def fail(words: str) -> None:
        raise TimeoutError(words)

    occur(store, "1", 1, raised(fail, "the bank is closed"))
    occur(store, "1", 1, raised(read_a_file, "a"))
    actions.merge(OPERATOR, store, [1], 2)
    occur(store, "1", 3, raised(fail, "no answer within the time"))
    assert total(store) == {2: 5}
    actions.unmerge(OPERATOR, store, 1)
    occur(store, "1", 1, raised(fail, "no answer within the time"))
    assert total(store) == {1: 5, 2: 1}


def test_the_next_version_is_that_of_the_service(store: Store) -> None:
    """Although another service has had it for long."""
    other = [Spans(7, time.time_ns() - 10**10).span()]
    for version in ("1", "2"):
        writer(store).write(batch_of(other, service="other", version=version))
        other = [Spans(8, time.time_ns() - 10**10).span()]
    occur(store, "1")
    actions.resolve(OPERATOR, store, 1, actions.IN_NEXT)
    occur(store, "1")
    assert status(store) is Status.RESOLVED
    occur(store, "2", before_ns=0)
    assert status(store) is Status.REGRESSED


def test_a_split_off_variant_stays_so_for_what_comes(store: Store) -> None:
    """The variants are told apart by their messages here."""

    def fail(words: str) -> None:
        raise TimeoutError(words)

    def failing(words: str) -> BaseException:
        return raised(fail, words)

    occur(store, "1", 1, failing("the bank is closed"))
    occur(store, "1", 2, failing("no answer within the time"))
    assert total(store) == {1: 3}
    made = actions.split(OPERATOR, store, 1, [2])
    occur(store, "1", 4, failing("no answer within the time"))
    occur(store, "1", 1, failing("the bank is closed"))
    assert total(store) == {1: 2, made: 6}


def test_a_removed_group_is_gone_until_it_occurs_again(store: Store) -> None:
    """With what was merged into it."""
    occur(store, "1")
    occur(store, "1", 2, raised(read_a_file, "a"))
    actions.merge(OPERATOR, store, [1], 2)
    actions.remove(OPERATOR, store, 2)
    assert total(store) == {}
    occur(store, "1")
    assert list(total(store).values()) == [1]


def total(store: Store) -> dict[int, int]:
    """Occurrences of every group, of all time."""
    with Reader(store).snapshot() as snapshot:
        groups = Groups(snapshot)
        roots = {groups.root(number) for number in groups.all}
        found = totals(snapshot, groups, sorted(roots))
    return {number: one.occurrences for number, one in found.items() if one.occurrences}


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_a_recount_before_and_after_compaction(store: Store, seed: int) -> None:
    """Of any range between whole minutes (of days, after 90 days), endpoint and version."""
    chance = random.Random(seed)
    start_ns = 1_790_000_000 * 10**9 // MINUTE_NS * MINUTE_NS
    errors = [raised(place_an_order, 1), raised(read_a_file, "a")]
    events: list[tuple[int, str, str]] = []
    one = writer(store)
    for _ in range(12):
        at_ns = start_ns + chance.randrange(5 * 24 * 60) * MINUTE_NS
        version, route = chance.choice("12"), chance.choice(("/a", "/b"))
        made = Spans(chance.randrange(2**30), at_ns)
        number = chance.randint(1, 4)
        spans = [
            with_exception(made.span(flask_attributes(route)), errors[version == "2"])
            for _ in range(number)
        ]
        one.write(batch_of(spans, version=version))
        events += [(span.end_time_unix_nano // MINUTE_NS, version, route) for span in spans]
    quarters = start_ns // MINUTE_NS // 15 * 15
    spans_us = [
        (quarters + a * 15, quarters + b * 15)
        for a, b in (sorted(chance.sample(range(500), 2)) for _ in range(6))
    ]

    def check(step: str) -> None:
        with Reader(store).snapshot() as snapshot:
            groups = Groups(snapshot)
            endpoints = {e.name.removeprefix("GET "): e.id for e in snapshot.endpoints.values()}
            versions = {name: n for n, name in snapshot.versions.items()}
            for first, end in spans_us:
                for route in (None, "/a"):
                    wanted = Wanted(None, endpoints.get(route) if route else None, None)
                    span = Span(first * 60_000_000, end * 60_000_000, 40)
                    found = counts(snapshot, groups, span, wanted)
                    recounted = Counter(
                        versions[v]
                        for minute, v, r in events
                        if first <= minute < end and route in (None, r)
                    )
                    summed: Counter[int] = Counter()
                    for group in found.values():
                        summed.update(group.versions)
                        assert sum(group.parts.values()) == group.count
                    assert summed == recounted, (step, first, end, route)

    check("raw")
    ExceptionCompactor(store).compact(start_ns // 1000 + 5 * DAY_US + 3_600_000_000)
    check("minutes and quarters")
    before = total(store)
    ExceptionCompactor(store).compact(start_ns // 1000 + 200 * DAY_US)
    assert total(store) == before
