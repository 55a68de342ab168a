"""Settings that fit the data: every `auto` of a training, found before it begins.

What decides is how many examples there are of the rarest set that a constraint needs: the negatives
of a group, for its false positive rate. Of m of them a rate has a standard error of at most

    s = 1 / (2 sqrt(m)),

which is what multipliers must not dance to, and what a minibatch must hold enough of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from components.constrained_trainer.config import MOST_STEPS, TrainingConfig
from components.constrained_trainer.examples.data import Split
from components.transform.inputs import IMAGE
from fairgate.constraints import language
from fairgate.constraints.expressions import Constraint, CurveOf, RateOf, rates_in
from fairgate.constraints.rates import RATES, Counts

# Passes over few examples that are enough, and what the multipliers need anyway.
_PASSES, _FEWEST_STEPS = 300, 1000
# A minibatch holds about this many examples of the rarest set, if it need not be larger than this.
_RARE_PER_BATCH = 16
_BATCHES = 256, 1024
# Of the model player's work (a forward pass and a backward one, about 3 to 1) what the other may add:
# so many examples per step, as a share of a minibatch. 0.4 is 13% of the work.
_WATCHED_SHARE = 0.4
# The player moves at least this often, on so many examples of the rarest set if there are as many.
_MOVES, _RARE_PER_MOVE = 150, 200
# Fewer of them on the validation split, where s is over 0.035, and the player sees the training examples,
# too: what the network remembers of those errs by less.
_FEW = 200
# Weight of a constraint that is violated by one standard error: at once, and in a whole training.
_AT_ONCE, _IN_ALL = 0.1, 2.0
# At the decision a hinge pulls at more examples than cross-entropy does: its constraints need so much
# more weight.
_STIFFNESS = {"hinge": 2.5, "cross_entropy": 1.0}
# Of a mean over n examples of a log-likelihood, a penalty of 1 / (w^2 n) on half the squared weights
# makes those the most probable that were believed to be about w, and what n examples do not speak for
# stays small. Of 1, 1/4 and 1/6 the second did best on tables of 720 and of 26,000 rows.
_WEIGHT = 1 / 4
# More examples do not make the player any quicker: the model needs time to answer.
_ENOUGH = 400


@dataclass(frozen=True)
class Rarest:
    """The smallest set of examples that a constraint needs.

    Attributes:
      examples: how many there are; with weights, how many would tell as much.
      name: in words, such as "negatives of [Young]".
    """

    examples: int
    name: str


@dataclass(frozen=True)
class Resolved:
    """A configuration without any `auto`.

    Attributes:
      config: the configuration.
      reasons: what was found and why, in words, one for each `auto` that was.
    """

    config: TrainingConfig
    reasons: tuple[str, ...] = ()


def resolve(
    config: TrainingConfig, training: Split, validation: Split, replicas: int = 1
) -> Resolved:
    """`config` with a number in the place of every `auto`; what is a number stays.

    Args:
      training: examples of the model player.
      validation: examples that snapshots are rated on.
      replicas: devices that share a minibatch equally.
    """
    reasons: list[str] = []

    def settled(name: str, given: Any, find: Callable[[], tuple[Any, str]]) -> Any:
        if given != "auto":
            return given
        found, why = find()
        shown = f"{found:.2g}" if isinstance(found, float) else f"{found}"
        reasons.append(f"{name} {shown}: {why}")
        return found

    n = len(training)
    rarest = rarest_set(config.constraints, training)
    objective = settled("objective", config.objective, lambda: _objective(training))
    batch = settled("batch size", config.batch_size, lambda: _batch_size(n, rarest, replicas))
    steps = settled("steps", config.steps, lambda: _steps(n, batch, config.snapshots))
    decay = settled(
        "weight decay",
        config.weight_decay,
        lambda: (1 / (_WEIGHT**2 * n), f"{n:,} training examples"),
    )
    found = {"objective": objective, "batch_size": batch, "steps": steps, "weight_decay": decay}
    found["multipliers"] = _multipliers(
        config.model_copy(update=found), training, validation, settled
    )
    return Resolved(config.model_copy(update=found), tuple(reasons))


def watched_split(watch: str, training: Split, validation: Split) -> Split:
    """The examples that the multiplier player sees."""
    if watch == "both":
        return _joined(training, validation)
    return training if watch == "training" else validation


def rarest_set(lines: Sequence[str], split: Split) -> Rarest | None:
    """The smallest set that a rate in the constraints is over; None without constraints."""
    sets = [rarest_of(language.parse(line, split.vocabulary), split) for line in lines]
    return min(sets, key=lambda each: each.examples, default=None)


def rarest_of(constraint: Constraint, split: Split) -> Rarest:
    """The smallest set that a rate in one constraint is over."""
    counts = split.counts(split.no_scores)
    sets = []
    for rate in rates_in(constraint.expression):
        name = "everybody" if rate.group is None else rate.group.words
        for kind, size in _needed(rate, counts[rate.group]):
            sets.append(Rarest(round(size), f"{kind} of {name}"))
    return min(sets, key=lambda each: each.examples)


def _needed(rate: RateOf | CurveOf, counts: Counts) -> list[tuple[str, float]]:
    sets = {"positives": counts.positives, "negatives": counts.negatives}
    if isinstance(rate, CurveOf):
        return list(sets.items())
    kind = RATES[rate.rate].denominator
    return [(kind, sets[kind])] if kind in sets else [("examples", counts.examples)]


def _objective(training: Split) -> tuple[str, str]:
    if IMAGE in training.inputs:
        return "hinge", "pictures"
    return "cross_entropy", "a table"


def _batch_size(n: int, rarest: Rarest | None, replicas: int) -> tuple[int, str]:
    least, most = _BATCHES
    wanted, why = least, "the usual one"
    if rarest and rarest.examples:
        wanted = _RARE_PER_BATCH * n / rarest.examples
        why = f"{rarest.examples:,} {rarest.name} among {n:,} training examples"
    power = 2 ** math.ceil(math.log2(min(max(wanted, least), most)))
    # A quarter of a small table: a step on all of it has no noise that helps to generalise.
    power = max(32, min(power, 2 ** math.floor(math.log2(max(n / 4, 1)))))
    return replicas * max(1, round(power / replicas)), why


def _steps(n: int, batch: int, snapshots: int) -> tuple[int, str]:
    passes = round(_PASSES * n / batch)
    steps = max(snapshots, min(MOST_STEPS, max(passes, _FEWEST_STEPS)))
    return steps, f"{steps * batch / n:,.0f} passes over {n:,} training examples"


def _multipliers(
    config: TrainingConfig, training: Split, validation: Split, settled: Callable[..., Any]
) -> Any:
    """The settings of the dual player; without constraints there is none, and nothing is said."""
    given = config.multipliers
    quiet = not config.constraints
    say = (lambda name, value, find: find()[0] if value == "auto" else value) if quiet else settled
    lines = config.constraints
    steps, batch = config.steps, config.batch_size

    rare = rarest_set(lines, validation)
    watch = say("watch", given.watch, lambda: _watch(rare))
    split = {"training": len(training), "validation": len(validation)}
    count = split.get(watch, len(training) + len(validation))
    rare = _of(watch, lines, training, validation)
    share = say(
        "batch share",
        given.batch_share,
        lambda: _share(count, rare, batch, steps),
    )
    seen = min(count, max(1, round(share * batch)))
    every = say("every", given.every, lambda: _every(seen, batch, steps))
    # What one step of the player sees of the rarest set.
    m = min(_ENOUGH, max(1.0, rare.examples * seen / count)) if rare else _ENOUGH
    error = 1 / (2 * math.sqrt(m))
    stiff = _STIFFNESS[config.objective]
    about = f"{m:.0f} {rare.name} seen at a time" if rare else "no constraints"
    if given.formulation == "pi_lagrangian":
        rate = say(
            "dual rate", given.learning_rate, lambda: (stiff * _IN_ALL / error / steps, about)
        )
    else:
        # The published games' steps multiply weights: one that is calm with few examples, too.
        rate = say("dual rate", given.learning_rate, lambda: (min(1.0, 0.1 / error / 4), about))
    proportional = say(
        "dual weight at once", given.proportional, lambda: (stiff * _AT_ONCE / error, about)
    )
    return given.model_copy(
        update={
            "watch": watch,
            "batch_share": share,
            "every": every,
            "learning_rate": rate,
            "proportional": proportional,
        }
    )


def _of(watch: str, lines: Sequence[str], training: Split, validation: Split) -> Rarest | None:
    """The rarest set among the watched examples."""
    sets = [
        rarest_set(lines, split)
        for name, split in (("training", training), ("validation", validation))
        if watch in (name, "both")
    ]
    found = [each for each in sets if each]
    if not found:
        return None
    return Rarest(sum(each.examples for each in found), min(found, key=lambda r: r.examples).name)


def _watch(rare: Rarest | None) -> tuple[str, str]:
    if rare and rare.examples < _FEW:
        return "both", f"only {rare.examples:,} {rare.name} on the validation split"
    return "validation", f"{rare.examples:,} {rare.name} there" if rare else ""


def _share(count: int, rare: Rarest | None, batch: int, steps: int) -> tuple[float, str]:
    affordable = _WATCHED_SHARE * batch * max(1, steps // _MOVES)
    wanted = _RARE_PER_MOVE * count / max(rare.examples, 1) if rare else 0
    seen = round(min(count, max(affordable, wanted)))
    if 16 < seen < count:
        seen -= seen % 16  # so that 2, 4, 8 or 16 devices see in parts what one sees whole
    whole = "all " if seen == count else ""
    return seen / batch, f"{whole}{seen:,} of {count:,} watched examples at a time"


def _every(seen: int, batch: int, steps: int) -> tuple[int, str]:
    every = max(1, min(math.ceil(seen / (_WATCHED_SHARE * batch)), steps // 50))
    return every, f"{seen:,} examples at a time"


def _joined(one: Split, other: Split) -> Split:
    """Both, one after the other, in memory."""
    inputs: Mapping[str, np.ndarray] = {
        name: np.concatenate([column, other.inputs[name]]) for name, column in one.inputs.items()
    }
    weights = one.weights, other.weights
    return replace(
        one,
        inputs=inputs,
        labels=np.concatenate([one.labels, other.labels]),
        memberships=np.concatenate([one.memberships, other.memberships]),
        weights=None if weights[0] is None or weights[1] is None else np.concatenate(weights),
        units=None,
    )
