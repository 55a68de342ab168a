"""The monitor: labelled answers in, alarms out, however often and for however long one looks.

Of C constraints, constraint c with K pieces, piece k has an e-process (`wealth`) over its rounds
(`rounds`). The constraint's e-value is  max_k wealth_k / K,  and an alarm is raised where it reaches
C / delta. While a piece is kept, its wealth ever reaches C K / delta with probability at most
delta / (C K) (Ville's inequality); so by the union bound the probability that any constraint that is kept
is ever said to be broken is at most delta, whichever others are broken.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fairgate.constraints.crossings import cells, crossed
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.language import parse
from fairgate.constraints.rates import Counts, Group
from fairgate.data import columns
from fairgate.data.answers import positive_of
from fairgate.data.groups import declare
from fairgate.errors import DataError, SettingsError
from fairgate.monitoring import reading
from fairgate.monitoring.history import History
from fairgate.monitoring.pieces import Piece, pieces
from fairgate.monitoring.rounds import Records, Rounds, stream
from fairgate.monitoring.state import State
from fairgate.monitoring.wealth import Wealth

_BLOCK = 4096
"""Records that are worked on at once: more take more memory and hardly less time."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A constraint was shown broken.

    Attributes:
      constraint: its text.
      record: the number of the record that showed it, from 1.
      since: the first record of what speaks most against it; before, there is less to say.
      e_value: of the constraint then; at least `needed`.
      needed: number of constraints / delta.
      value: of the constraint's left side since then, as measured; None where a quotient was cleared.
      bound: its confidence bound: at some time the true value was at least (of `<=`) or at most (of
        `>=`) this, and if it did not change, it is.
      limit: of the constraint.
      confidence: of the bound, and of all alarms together.
      piece: which part of the constraint it was; its left side is to be at most 0.
      excess: the piece's left side since then, as measured.
      excess_bound: which it exceeded, with the same confidence.
    """

    constraint: str
    record: int
    since: int
    e_value: float
    needed: float
    value: float | None
    bound: float | None
    limit: float
    confidence: float
    piece: str
    excess: float
    excess_bound: float


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How a constraint stands.

    Attributes:
      constraint: its text.
      value: of its left side over all records; None where a group has none yet.
      bound: on the side that would break the limit: see `Alarm.bound`.
      limit: of the constraint.
      e_value: what speaks against it now.
      needed: at which e-value there is an alarm.
      alarm: if there was one.
    """

    constraint: str
    value: float | None
    bound: float | None
    limit: float
    e_value: float
    needed: float
    alarm: Alarm | None


class _Bet:
    """A piece, its rounds and the capital against it."""

    def __init__(self, piece: Piece) -> None:
        self.piece, self.rounds = piece, Rounds(piece)
        self.wealth = Wealth(piece.lowest, piece.highest)

    def as_document(self) -> dict[str, Any]:
        return self.wealth.as_document() | self.rounds.as_document()

    def restore(self, document: Mapping[str, Any]) -> None:
        self.wealth.restore(document)
        self.rounds.restore(document)


class Monitor:
    """Watches whether a served model keeps its constraints.

    Args:
      constraints: lines of the constraint language.
      groups: name of each group feature -> the names of its groups. A record of another group is left
        out, and counted.
      confidence: with this probability, no constraint that is kept is ever said to be broken.
      threshold: predictions are scores, and a score above it is a Yes.
      positive: the label's value that is a Yes, a range such as '>= 50000', or several of them.
      declared: of the group features whose columns hold no names of groups, what makes them, as
        `fairgate.judge` takes it; they need not be among `groups`.

    Raises:
      ConstraintError: a constraint cannot be read, or names no group that there is.
      SettingsError: a constraint cannot be watched, or a number is out of its range.

    >>> monitor = Monitor("FPR <= 0.1")
    >>> [alarm] = monitor.update(labels=[0] * 100, predictions=[1, 0, 0] * 33 + [0])
    >>> alarm.record, round(alarm.e_value), alarm.value > 0.1
    (22, 26, True)
    """

    def __init__(
        self,
        constraints: Sequence[str] | str,
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        confidence: float = 0.95,
        threshold: float | None = None,
        positive: Any = None,
        declared: Mapping[str, Any] | None = None,
    ) -> None:
        lines = [constraints] if isinstance(constraints, str) else list(dict.fromkeys(constraints))
        if not lines:
            raise SettingsError("no constraint is given: there is nothing to watch")
        if not 0.5 < confidence < 1:
            raise SettingsError(f"confidence = {confidence}: expected a number in (0.5, 1)")
        if threshold is not None and not math.isfinite(threshold):
            raise SettingsError(f"threshold = {threshold!r}: expected a finite number")
        self.declared = declare(declared or {})
        of_declared = {name: of.membership.names for name, of in self.declared.items()}
        self.groups = {n: list(names) for n, names in {**(groups or {}), **of_declared}.items()}
        self.constraints = [parse(line, self.groups, from_counts=True) for line in lines]
        self.confidence, self.threshold = confidence, threshold
        self.positive = positive_of(positive)
        self.records = 0
        self.left_out: Counter[str] = Counter()
        self.alarms: list[Alarm] = []
        self.history = History(self.constraints)
        named = {group for each in self.constraints for group in each.groups()}
        self.columns = reading.columns_of(self.groups, self.declared)
        plain = {feature: self.groups[feature] for feature in self.columns}
        self._crossings = {
            group: [Group(*part) for part in cells(features, plain)[group.name]]
            for group in named
            if group.feature not in plain and (features := crossed(group.feature, plain))
        }
        self._bets = [[_Bet(piece) for piece in pieces(each)] for each in self.constraints]

    @property
    def needed(self) -> float:
        """The e-value of an alarm."""
        return len(self.constraints) / round(1 - self.confidence, 12)

    def update(
        self, labels: Any, predictions: Any, groups: Any = None, rows: str = "the rows"
    ) -> list[Alarm]:
        """Watches the next records, in the order in which they came.

        Rows without a label, a prediction or a group, and those of groups that are not watched, are left
        out and counted in `left_out`.

        Args:
          labels: (n,) what is right.
          predictions: (n,) decisions; or scores, where there is a threshold.
          groups: name of each group feature -> (n,) names of groups; or a data frame.
          rows: what they are, for messages.

        Returns:
          The alarms of these records. A constraint has one alarm in all.

        Raises:
          DataError: columns are missing or not equally long, or a value has no meaning; then nothing was
            counted.
        """
        table = columns.table({} if groups is None else groups)
        for column in self.columns.values():
            if column not in table:
                raise DataError(f"groups: no column {column!r}, which the monitor's groups have")
        given = {"labels": labels, "predictions": predictions}
        given |= {f"groups[{name!r}]": table[column] for name, column in self.columns.items()}
        arrays = {name: columns.series(name, column) for name, column in given.items()}
        if len({len(array) for array in arrays.values()}) > 1:
            told = ", ".join(f"{name} has {len(array):,}" for name, array in arrays.items())
            raise DataError(f"one value for each record is expected in every column, but {told}")
        label, prediction, *others = map(columns.encode, arrays.values())
        found, left_out = reading.records(
            label,
            prediction,
            dict(zip(self.columns, others, strict=True)),
            self.groups,
            self.threshold,
            self.positive,
            self.declared,
        )
        if reading.BAD_VALUE in left_out.rows:
            raise DataError(f"{rows}: {left_out.examples[reading.BAD_VALUE]}; none were counted")
        self.left_out += left_out.rows
        return self.watch(found)

    def watch(self, records: Records) -> list[Alarm]:
        """Watches the next complete records; it does not matter how they are divided among calls."""
        before, start = len(self.alarms), 0
        records = records.with_crossings(self._crossings)
        while start < len(records):
            most = min(_BLOCK, self.history.until_next(self.records))
            self._watch(records[start : start + most])
            start += most
        return self.alarms[before:]

    def _watch(self, block: Records) -> None:
        rates = {rate for bets in self._bets for bet in bets for rate in bet.piece.rates}
        streams = {rate: stream(rate, block) for rate in rates}
        broken = {alarm.constraint for alarm in self.alarms}
        for constraint, bets in zip(self.constraints, self._bets, strict=True):
            found = []
            for bet in bets:
                payoffs, ends = bet.rounds.add([streams[rate] for rate in bet.piece.rates])
                numbers = self.records + 1 + ends
                before = bet.wealth.copy()
                logs = bet.wealth.play(payoffs, numbers)
                over = np.flatnonzero(logs >= math.log(self.needed * len(bets)))
                if len(over) and str(constraint) not in broken:
                    rounds = slice(int(over[0]) + 1)
                    before.play(payoffs[rounds], numbers[rounds])
                    found.append((before.now.record, bet.piece, before))
            if found:
                first = min(found, key=lambda each: each[0])
                self.alarms.append(self._alarm(constraint, len(bets), *first[1:]))
        self.records += len(block)
        self.history.add(block, self.records, [self._log_e_value(bets) for bets in self._bets])

    def _alarm(self, constraint: Constraint, of: int, piece: Piece, wealth: Wealth) -> Alarm:
        start = wealth.start
        excess = wealth.mean_since(start)
        bound = wealth.lower_bound(self.needed * of)
        return Alarm(
            constraint=str(constraint),
            record=wealth.now.record,
            since=start.record + 1,
            e_value=_exp(wealth.log_value - math.log(of)),
            needed=self.needed,
            value=_value(constraint, piece, excess),
            bound=_value(constraint, piece, bound),
            limit=constraint.limit,
            confidence=self.confidence,
            piece=str(piece),
            excess=excess,
            excess_bound=bound,
        )

    @staticmethod
    def _log_e_value(bets: Sequence[_Bet]) -> float:
        return max(bet.wealth.log_value for bet in bets) - math.log(len(bets))

    @property
    def counts(self) -> dict[Group | None, Counts]:
        """Outcomes of all records, of everybody and of each group that a constraint speaks of."""
        return self.history.counts()

    def watched(self) -> list[Watched]:
        """How each constraint stands."""
        alarms = {alarm.constraint: alarm for alarm in self.alarms}
        rows = []
        for constraint, bets in zip(self.constraints, self._bets, strict=True):
            capital = self.needed * len(bets)
            bounds = [
                _value(constraint, bet.piece, bet.wealth.lower_bound(capital)) for bet in bets
            ]
            worst = max if constraint.sense == "<=" else min
            bounds += [
                _value(constraint, piece, piece.constant)
                for piece in _opposed([bet.piece for bet in bets])
            ]
            known = [bound for bound in bounds if bound is not None]
            value = constraint.value(self.counts)
            rows.append(
                Watched(
                    constraint=str(constraint),
                    value=None if math.isnan(value) else value,
                    bound=worst(known) if known else None,
                    limit=constraint.limit,
                    e_value=_exp(self._log_e_value(bets)),
                    needed=self.needed,
                    alarm=alarms.get(str(constraint)),
                )
            )
        return rows

    @property
    def question(self) -> dict[str, Any]:
        """What is watched: state of another question is no state of this one."""
        declared = {name: of.model_dump(mode="json") for name, of in self.declared.items()}
        return {
            "constraints": [
                f"{each.expression} {each.sense} {each.limit!r}" for each in self.constraints
            ],
            "groups": self.groups,
            "confidence": self.confidence,
            "threshold": self.threshold,
            "positive": list(self.positive) if isinstance(self.positive, tuple) else self.positive,
        } | ({"declared": declared} if declared else {})

    def as_document(self) -> dict[str, Any]:
        """All that there is to know, for JSON: `restore` goes on from it."""
        return {
            "question": self.question,
            "lines": list(map(str, self.constraints)),
            "records": self.records,
            "left_out": dict(self.left_out),
            "alarms": [asdict(alarm) for alarm in self.alarms],
            "history": self.history.as_document(),
            "bets": [[bet.as_document() for bet in bets] for bets in self._bets],
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Goes on where `as_document` was; ValueError, TypeError or KeyError where it is none of this."""
        self.records = int(document["records"])
        self.left_out = Counter(document["left_out"])
        self.alarms = [Alarm(**alarm) for alarm in document["alarms"]]
        self.history.restore(document["history"])
        for bets, stored in zip(self._bets, document["bets"], strict=True):
            for bet, each in zip(bets, stored, strict=True):
                bet.restore(each)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes the state, whole or not at all. DataError where it cannot be written."""
        state = State(file)
        state.save(self, state.source)

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> Monitor:
        """The monitor whose state was saved. DataError where the file holds none."""
        state = State(file)
        asked = state.question
        monitor = cls(
            asked.pop("lines"),
            groups=asked["groups"],
            confidence=asked["confidence"],
            threshold=asked["threshold"],
            positive=asked["positive"],
            declared=reading.declared_of(asked),
        )
        state.restore(monitor)
        return monitor


def _value(constraint: Constraint, piece: Piece, excess: float) -> float | None:
    """The value of a constraint's left side where a piece's is `excess`."""
    if piece.unit is None:
        return None
    beyond = piece.unit * excess
    return constraint.limit + beyond if constraint.sense == "<=" else constraint.limit - beyond


def _opposed(found: Sequence[Piece]) -> list[Piece]:
    """Pieces e + c beside which there is -e + c: the larger of both is at least c."""
    known = {(frozenset(zip(p.rates, p.factors, strict=True)), p.constant) for p in found}
    return [
        piece
        for piece in found
        if (
            frozenset((r, -factor) for r, factor in zip(piece.rates, piece.factors, strict=True)),
            piece.constant,
        )
        in known
    ]


def _exp(log: float) -> float:
    """e^log, kept under what floating point can hold."""
    return math.exp(min(log, 700.0))
