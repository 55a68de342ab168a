"""What a model costs, next to the one that it is compared with: which group it serves worse.

A gap can be closed by serving one group worse instead of serving the other better (levelling down), and
no constraint on a gap forbids it. So it is said wherever it shows: of each group's false positive and
false negative rate whose 95% interval of the change is over 0. The intervals are the gate's own bounds
of changes, for each rate by itself: among many groups, some may seem worse that are not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fairgate import bounds
from fairgate.constraints.classes import classes_of, features_of, seen_as
from fairgate.constraints.expressions import ChangeOf
from fairgate.constraints.rates import Group, Measured
from fairgate.gate import words
from fairgate.gate.judgement import shown_name

_ON_EACH_SIDE = 0.025
_RATES = (("FPR", ""), ("FNR", ""))


def sentences(groups: Mapping[str, Sequence[str]], counts: Measured, other: Measured) -> list[str]:
    """One for each rate of a group that is shown to be worse, and for the gap that is wider with it.

    Args:
      groups: display name of each group feature -> the names of its groups; and the label's classes, see
        `language.parse`: then it is of each group's errors, and of each class that is missed more often.
      counts: outcomes of the model, which know what the other one said (`Counts.against`).
      other: outcomes of the model that it is compared with.
    """
    found: list[str] = []
    classes, groups = classes_of(groups), features_of(groups)
    rates = [("ERR", ""), *(("FNR", name) for name in classes)] if classes else _RATES
    for feature, names in groups.items():
        for rate, of in rates:
            people = [Group(feature, name) for name in names]
            seen = [seen_as(group, of) if of else group for group in people]
            members = [group for group in seen if group in counts]
            worse = [_worse(rate, group, groups, counts, other) for group in members]
            if any(worse):
                found += [said for said in worse if said]
                found += _wider(rate, feature, members, counts, other)
    return found


def _worse(
    rate: str,
    group: Group,
    groups: Mapping[str, Sequence[str]],
    counts: Measured,
    other: Measured,
) -> str:
    changes = counts[group].changes(rate)
    if changes is None or not changes[2]:
        return ""
    change = ChangeOf(rate, group)
    low, high = (
        bound(change, counts, _ON_EACH_SIDE) for bound in (bounds.lower_bound, bounds.upper_bound)
    )
    if low <= 0:
        return ""
    before, after = other[group].rate(rate), counts[group].rate(rate)
    name = shown_name(group.feature, group.name, groups)
    return (
        f"the {_rate(rate, group)} of {name} rose from {before:.4f} to {after:.4f}, by "
        f"{after - before:.4f} (95% interval {low:.4f} to {high:.4f})"
    )


def _wider(
    rate: str, feature: str, members: Sequence[Group], counts: Measured, other: Measured
) -> list[str]:
    before, after = (_gap(rate, members, each) for each in (other, counts))
    if after <= before:
        return []
    return [
        f"the gap in {_rate(rate, members[0])} between the groups of {feature}, as measured, rose from "
        f"{before:.4f} to {after:.4f}"
    ]


def _rate(rate: str, group: Group) -> str:
    return f"{words.RATES[rate]} for class {group.of}" if group.of else words.RATES[rate]


def _gap(rate: str, members: Sequence[Group], counts: Measured) -> float:
    known = [each for g in members if not math.isnan(each := counts[g].rate(rate))]
    return max(known, default=0.0) - min(known, default=0.0)
