"""Groups of several features at once: [Young & Male], and all of them as [Age x Sex].

A crossing is a feature like others, called by the features that it crosses in the order in which they
are declared; its groups are called by theirs. Names may hold an x or an & themselves: what is declared
goes before what can be put together.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fairgate.errors import FairGateError

Groups = Mapping[str, Sequence[str]]
Cell = tuple[tuple[str, str], ...]

_TIMES = re.compile("\\s[xX]\\s|\\s*\N{MULTIPLICATION SIGN}\\s*")
_AND = re.compile(r"\s*&\s*")
_MOST_PARTS = 20
MOST_CELLS = 10_000
"""Groups of the largest crossing: a gap between its groups has a pair for every two of them."""


def crossing_name(features: Iterable[str]) -> str:
    """What the crossing of these features is called.

    >>> crossing_name(["Age", "Sex"])
    'Age x Sex'
    """
    return " x ".join(features)


def cell_name(groups: Iterable[str]) -> str:
    """What a group of a crossing is called."""
    return " & ".join(groups)


def crossed(text: str, groups: Groups) -> tuple[str, ...] | None:
    """The features of a crossing, in the order in which they are declared; None if it is none.

    Where the crossing itself is among `groups`, its own order counts: that of the others may have been
    lost, as in JSON with sorted keys.

    >>> crossed("Sex x Age", {"Age": ["Young", "Old"], "Sex": ["F", "M"]})
    ('Age', 'Sex')
    >>> crossed("Age x Sex", {"Age": ["Old"], "Sex": ["F"], "Sex x Age": ["F & Old"]})
    ('Sex', 'Age')
    """
    for parts in _parts(text, _TIMES, groups.__contains__):
        if len(parts) == len(set(parts)) > 1:
            return _ordered(parts, groups)
    return None


def _ordered(features: Iterable[str], groups: Groups) -> tuple[str, ...]:
    wanted = set(features)
    for name in filter(_TIMES.search, groups):
        others = groups.keys() - {name}
        for parts in _parts(name, _TIMES, others.__contains__):
            if len(parts) == len(wanted) and set(parts) == wanted:
                return parts
    order = list(groups)
    return tuple(sorted(wanted, key=order.index))


def cells(features: Sequence[str], groups: Groups) -> dict[str, Cell]:
    """Name of each group of a crossing -> the (feature, group) that it is made of.

    >>> list(cells(["Age", "Sex"], {"Age": ["Young", "Old"], "Sex": ["F", "M"]}))
    ['Young & F', 'Young & M', 'Old & F', 'Old & M']

    Raises:
      FairGateError: they are more than `MOST_CELLS`.
    """
    count = math.prod(len(groups[feature]) for feature in features)
    if count > MOST_CELLS:
        raise FairGateError(
            f"{crossing_name(features)!r} would have {count:,} groups, and at most {MOST_CELLS:,} can be "
            "counted. Cross fewer features, or features of fewer groups"
        )
    named = [[(feature, name) for name in groups[feature]] for feature in features]
    return {cell_name(name for _, name in cell): cell for cell in itertools.product(*named)}


def cells_named(
    text: str, candidates: Callable[[str], Iterable[tuple[str, str]]], groups: Groups
) -> list[Cell]:
    """The cells that a text may mean, such as "Young & M".

    Args:
      text: names of groups with & between them.
      candidates: the (feature, group) that a name may mean.
      groups: feature -> its groups, in the order in which they are declared.
    """
    found: dict[Cell, None] = {}
    for parts in _parts(text, _AND, lambda name: any(True for _ in candidates(name))):
        for cell in itertools.product(*map(candidates, parts)):
            features = [feature for feature, _ in cell]
            if len(set(features)) == len(features) > 1:
                of = dict(cell)
                found[tuple((feature, of[feature]) for feature in _ordered(of, groups))] = None
    return list(found)


def with_crossings(
    groups: Groups, crossings: Iterable[str], left_out: Iterable[str] = ()
) -> dict[str, list[str]]:
    """`groups`, and those of the crossings, but for the cells that are left out (by name).

    Raises:
      ValueError: a crossing crosses no two of the features.
    """
    known = {feature: list(names) for feature, names in groups.items()}
    leave = set(left_out)
    for text in crossings:
        features = crossed(text, groups)
        if features is None:
            raise ValueError(
                f"{text!r} is no crossing: expected two features or more with x between them, such as "
                f"'A x B', of {', '.join(map(repr, groups))}"
            )
        names = cells(features, groups)
        known[crossing_name(features)] = [name for name in names if name not in leave]
    return known


def _parts(
    text: str, separator: re.Pattern[str], known: Callable[[str], bool]
) -> Iterator[tuple[str, ...]]:
    """The ways to cut a text at separators so that every part is known."""
    if len(separator.findall(text)) > _MOST_PARTS:
        return
    if known(text.strip()):
        yield (text.strip(),)
    for match in separator.finditer(text):
        head = text[: match.start()].strip()
        if known(head):
            for rest in _parts(text[match.end() :], separator, known):
                yield (head, *rest)
