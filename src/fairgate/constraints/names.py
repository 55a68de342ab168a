"""Resolving the names in a constraint: rates, groups and features, with suggestions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from fairgate.constraints import crossings
from fairgate.constraints.classes import classes_of, features_of
from fairgate.constraints.curves import CURVE_ALIASES, CURVES
from fairgate.constraints.rates import ALIASES, RATES, Group


def closest(name: str, known: Iterable[str], limit: int = 2) -> tuple[str, ...]:
    """The known names most like `name`, whatever the case, best first."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    if name.lower() in by_lower:
        return (by_lower[name.lower()],)
    # 0.5: one letter of three may differ, so that 'FRP' and 'FPT' still find 'FPR'.
    found = difflib.get_close_matches(name.lower(), by_lower, n=limit, cutoff=0.5)
    return tuple(by_lower[match] for match in found)


def find_rate(name: str) -> str | None:
    """The key in `RATES` or `CURVES`, or "F1", of a short or long name."""
    if name in ("F1", "f1", "f1_score"):
        return "F1"
    if name in RATES or name in CURVES:
        return name
    return ALIASES.get(name, CURVE_ALIASES.get(name))


class Vocabulary:
    """The features and groups that brackets may name, and the classes that rates may be of.

    Args:
        groups: display name of a feature -> display names of its groups; under `classes.CLASSES` the
            names of the label's classes, where it has more than two.

    Attributes:
        classes: their names.

    Raises:
        ValueError: if a feature's groups are a bare string, or are not all different.
    """

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self.classes = classes_of(groups)
        groups = features_of(groups)
        for feature, names in groups.items():
            if isinstance(names, str):
                raise ValueError(f"groups of {feature!r}: expected a list of names, got {names!r}")
            if len(set(names)) != len(names):
                raise ValueError(f"groups of {feature!r}: the same name twice in {list(names)!r}")
        self._names = {feature: tuple(names) for feature, names in groups.items()}
        self._groups = {
            feature: tuple(Group(feature, name) for name in names)
            for feature, names in groups.items()
        }

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all features."""
        return tuple(self._groups)

    def groups_of(self, feature: str) -> tuple[Group, ...] | None:
        """The groups of a feature, or of a crossing of features; None if there is no such feature."""
        found = self._groups.get(feature, self._groups.get(feature.strip()))
        if found is not None:
            return found
        features = crossings.crossed(feature, self._names)
        if features is None:
            return None
        name = crossings.crossing_name(features)
        cells = crossings.cells(features, self._names)
        return self._groups.get(name, tuple(Group(name, cell) for cell in cells))

    def candidates(self, content: str) -> tuple[Group, ...]:
        """The groups that a bracket may mean: by name, as Feature=Group, or several with & between."""
        if found := self._declared(content):
            return found
        cells = crossings.cells_named(
            content,
            lambda name: [(group.feature, group.name) for group in self._declared(name)],
            self._names,
        )
        crossed = [
            Group(
                crossings.crossing_name(feature for feature, _ in cell),
                crossings.cell_name(name for _, name in cell),
            )
            for cell in cells
        ]
        return tuple(group for group in crossed if group in (self.groups_of(group.feature) or ()))

    def _declared(self, content: str) -> tuple[Group, ...]:
        for wanted in (content, content.strip()):
            found = [
                group
                for groups in self._groups.values()
                for group in groups
                if wanted in (group.name, str(group))
            ]
            if found:
                return tuple(found)
        feature, equals, name = (part.strip() for part in content.partition("="))
        groups = (self.groups_of(feature) or ()) if equals else ()
        return tuple(group for group in groups if group.name == name)

    def listing(self) -> str:
        """All groups, for an error message."""
        if not any(self._groups.values()):
            return "no groups are known here"
        return "; ".join(
            f"{feature}: {', '.join(f'[{group.name}]' for group in groups)}"
            for feature, groups in self._groups.items()
        )

    def suggestions(self, content: str) -> tuple[str, ...]:
        """Brackets with a name like `content`."""
        names = [group.name for groups in self._groups.values() for group in groups]
        return tuple(f"[{name}]" for name in closest(content.strip(), names))
