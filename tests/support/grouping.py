"""The labelled stack traces, and how well a rule puts together what belongs together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import NamedTuple

import yaml

CORPUS = Path(__file__).parents[1] / "unit/analysis/exceptions/corpus"
PARTS = ("develop", "held-out", "final", "unseen")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A trace of the corpus: its bug (part, family, name), and what OpenTelemetry sends of it."""

    bug: tuple[str, ...]
    note: str
    language: str
    type: str
    message: str
    text: str


class Score(NamedTuple):
    """Pairs of traces: of those in one group, of those of one bug, and of those that are both."""

    grouped: int
    labelled: int
    both: int

    @property
    def precision(self) -> float:
        """Of the pairs that a rule puts together, how many belong together."""
        return self.both / self.grouped if self.grouped else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs that belong together, how many a rule puts together."""
        return self.both / self.labelled if self.labelled else 1.0


def corpus(part: str) -> list[Labelled]:
    """The traces of a part of the corpus."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = []
    for path in sorted((CORPUS / part).glob("*.yaml")):
        for row in yaml.load(path.read_text("utf-8"), loader):
            values = (str(row.get(name) or "") for name in ("note", "language", "type", "message"))
            bug = (part, path.stem, row["bug"])
            found.append(Labelled(bug, *values, row["text"] or ""))
    return found


def score(traces: Iterable[Labelled], group: Callable[[Labelled], object]) -> Score:
    """How a rule does over all pairs of traces."""
    bugs: Counter[object] = Counter()
    groups: Counter[object] = Counter()
    both: Counter[object] = Counter()
    for one in traces:
        key = group(one)
        bugs[one.bug] += 1
        groups[key] += 1
        both[one.bug, key] += 1
    return Score(*(sum(comb(n, 2) for n in counted.values()) for counted in (groups, bugs, both)))


def by_language(traces: Iterable[Labelled]) -> dict[str, list[Labelled]]:
    """The traces of each language; browsers' are JavaScript's, too."""
    found: dict[str, list[Labelled]] = defaultdict(list)
    for one in traces:
        found[{"webjs": "nodejs", "": "unknown"}.get(one.language, one.language)].append(one)
    return dict(found)
