"""The few settings that a search moves, each by a factor: 1 leaves it as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.constrained_trainer.config import GateTarget, TrainingConfig
from fairgate.constraints import language
from fairgate.constraints.errors import NotTrainableError
from fairgate.constraints.expressions import Constraint
from fairgate.optimization import trainable

# How far a step size or a penalty may move, either way.
_SPREAD = 10.0
# Minibatches and steps cost time as they grow.
_BATCHES, _STEPS = 4.0, 2.0
# Training at a tenth of the gate's limit leaves all the room that a bound could need.
_TIGHTEST = 0.1


@dataclass(frozen=True)
class Searched:
    """A setting that is searched.

    Attributes:
      name: its path below `trainer`.
      low: least factor, at most 1.
      high: largest factor, at least 1.
      at: factor -> value of the setting.
    """

    name: str
    low: float
    high: float
    at: Callable[[float], Any]


def space(
    config: TrainingConfig,
    found: TrainingConfig,
    gate: GateTarget,
    groups: Mapping[str, Sequence[str]],
    examples: int,
    replicas: int = 1,
) -> list[Searched]:
    """What is searched: no setting that the user gave as a number.

    The limits of constraints that the gate asks for, too, are searched between a tenth of the gate's
    limit and the whole of it (for >=: of what is left up to 1). Other constraints stay: nobody but the
    trainer keeps them.

    Args:
      config: the user's; fields that were left out are searched as `auto` ones are.
      found: the same with numbers in the place of `auto`.
      gate: what the gate will ask.
      groups: display name of a feature -> names of its groups.
      examples: of the train split.
      replicas: devices that share a minibatch equally.
    """

    def batch(factor: float) -> int:
        return replicas * max(1, round(found.batch_size * factor / replicas))

    def steps(factor: float) -> int:
        return max(found.snapshots, round(found.steps * factor))

    largest = max(1.0, min(_BATCHES, examples / found.batch_size))
    every = [
        _scaled("learning_rate", found.learning_rate),
        _scaled("weight_decay", found.weight_decay),
        Searched("batch_size", 1 / _BATCHES, largest, batch),
        Searched("steps", 1 / _STEPS, _STEPS, steps),
    ]
    if config.constraints:
        dual = found.multipliers
        every.append(_scaled("multipliers.learning_rate", dual.learning_rate))
        if dual.formulation == "pi_lagrangian":
            every.append(_scaled("multipliers.proportional", dual.proportional))
    chosen = [each for each in every if _is_open(config, each.name)]
    limits = _limits(config, gate, groups)
    return chosen if limits is None else [*chosen, limits]


def with_settings(config: TrainingConfig, settings: Mapping[str, Any]) -> TrainingConfig:
    """The configuration with values at paths (such as `multipliers.learning_rate`), as if given."""
    tree = config.model_dump(exclude_unset=True)
    for path, value in settings.items():
        name, _, inner = path.partition(".")
        if inner:
            tree[name] = tree.get(name, {}) | {inner: value}
        else:
            tree[name] = value
    return TrainingConfig.model_validate(tree)


def _scaled(name: str, now: float) -> Searched:
    return Searched(name, 1 / _SPREAD, _SPREAD, lambda factor: _rounded(now * factor))


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _is_open(config: TrainingConfig, path: str) -> bool:
    name, _, inner = path.partition(".")
    given = getattr(config, name)
    if inner:
        return name not in config.model_fields_set or _is_open(given, inner)
    return given == "auto" or name not in config.model_fields_set


def _limits(
    config: TrainingConfig, gate: GateTarget, groups: Mapping[str, Sequence[str]]
) -> Searched | None:
    """The limits of all constraints that the gate shares, which move together."""
    asked = {_side(each): each for each in (language.parse(c, groups) for c in gate.constraints)}
    own = [language.parse(line, groups) for line in config.constraints]
    shared = {
        place: _room(asked[_side(each)]) / _room(each)
        for place, each in enumerate(own)
        if _side(each) in asked and _room(each) > 0 and _can_be_trained(asked[_side(each)])
    }
    if not shared:
        return None

    def moved(factor: float) -> list[str]:
        return [
            str(_with_room(each, factor * _room(each))) if place in shared else str(each)
            for place, each in enumerate(own)
        ]

    most = min(shared.values())
    return Searched("constraints", min(1.0, _TIGHTEST * most), max(1.0, most), moved)


def _side(constraint: Constraint) -> tuple[str, str]:
    return str(constraint.expression), constraint.sense


def _room(constraint: Constraint) -> float:
    """What a limit leaves: down to 0 for <=, as of a gap, and up to 1 for >=, as of a rate."""
    return constraint.limit if constraint.sense == "<=" else 1 - constraint.limit


def _with_room(constraint: Constraint, room: float) -> Constraint:
    room = _rounded(room)
    return constraint.with_limit(room if constraint.sense == "<=" else round(1 - room, 6))


def _can_be_trained(constraint: Constraint) -> bool:
    """Whether the limit leaves something to ask, and can be met."""
    try:
        return _room(constraint) > 0 and bool(trainable.pieces(constraint))
    except NotTrainableError:
        return False
