"""A judged pair of models, as tables and charts: of a run, or of models trained in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from components.report import page, sections
from components.report.data import ReportData
from fairgate.constraints.algebra import has_changes
from fairgate.constraints.classes import seen_as
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.rates import Counts, Group, Measured
from fairgate.gate import advice, checks, words
from fairgate.gate.explaining import Outcomes
from fairgate.gate.judgement import BASELINE, CONSTRAINED, EVERYBODY, GroupResult, shown_name
from fairgate.gate.prediction import Size, bound_of, projected_bound, sizes_of
from fairgate.gate.samples import labels_needed
from fairgate.report import charts
from fairgate.report import sections as judged_sections
from fairgate.report.charts import Chart, Series
from pipeline.inspect.shown import Banner, Charts, Element, Sentences, Table
from pipeline.settings import Settings

_SHORT = {"false positive rate": "FPR", "false negative rate": "FNR"}
_TIMES = (2, 4, 8, 16, 32)  # as many examples as there are: how far a chart of bounds goes
_POINTS = 16


class Judged:
    """Two models and what the gate said of the constrained one.

    Args:
      data: what a report of them shows; see `components.report.data`.
    """

    def __init__(self, data: ReportData):
        self.data = data

    @property
    def verdict(self) -> dict[str, Any]:
        """As in verdict.json."""
        return self.data.verdict

    @property
    def settings(self) -> Settings:
        """What was set."""
        return Settings.model_validate(yaml.safe_load(self.data.settings))

    @property
    def passed(self) -> bool:
        """Whether the gate let the model pass."""
        return bool(self.verdict["blessed"])

    def banner(self) -> Banner:
        """The verdict in one sentence."""
        verdict = self.verdict
        facts = [("pipeline", verdict["pipeline"]), ("run", verdict["run_id"])]
        facts.append(("data", verdict["data"]))
        if attempt := words.attempt(verdict):
            facts.append(("model", attempt))
        return Banner(words.outcome(verdict), self.passed, words.sentence(verdict), facts)

    def reasons(self) -> Sentences:
        """Why the gate blocked, a sentence for each failed check."""
        said = self.verdict["reasons"] + self._of_validation("reasons", "On the validation split:")
        return Sentences(said, "Nothing was in the way: the gate passed.")

    def advice(self) -> Sentences:
        """What would let a blocked model pass."""
        said = self.verdict.get("advice", []) + self._of_validation(
            "advice", "If the rates are those of the validation split:"
        )
        return Sentences(said, "Nothing needs to change.")

    def _of_validation(self, key: str, begin: str) -> list[str]:
        """What is said of the validation split, while the test split is sealed."""
        judged = (self.verdict.get("validation") or {}).get("judgement") or {}
        return [f"{begin} {sentence}" for sentence in judged.get(key, [])]

    def gate(self) -> Table:
        """A row for each constraint and model: value, bound, limit, and what keeps the limit."""
        rows = []
        for row in judged_sections.gate(self.data.measured):
            for model, value, bound in (
                (BASELINE, row["baseline_value"], row["baseline_bound"]),
                (CONSTRAINED, row["value"], row["bound"]),
            ):
                rows.append(
                    {
                        "constraint": row["expression"],
                        "model": model,
                        "value": value,
                        f"{row['confidence']} bound": bound,
                        "limit": f"{row['sense']} {row['limit']}",
                        "value within": _within(value, row),
                        "bound within": _within(bound, row),
                    }
                )
        return Table(rows).captioned(f"The gate, on the {self.data.split} split")

    def checks(self) -> Table:
        """The gate's further checks."""
        names = {"name": "check", "value": "value", "bound": "bound", "limit": "at least"}
        names |= {"outcome": "outcome", "passed": "passed"}
        found = judged_sections.checks(self.data.measured)
        return Table(found).rename(columns=names).captioned("Further checks")

    def groups(self) -> Table:
        """Counts and rates of everybody and each group, with 95% intervals (Clopper and Pearson)."""
        rows = []
        binary = not judged_sections.classes_in(self.data.measured)
        rates = judged_sections.rates(self.data.measured)
        for block in judged_sections.groups(self.data.measured):
            for row in block["rows"]:
                shown = {"group": block["name"], "model": row["model"]}
                shown |= {"examples": row["examples"]}
                shown |= {"negatives": row["negatives"]} if binary else {}
                for rate, cell in zip(rates, row["cells"], strict=True):
                    name = _SHORT.get(rate, rate)
                    interval = f"{cell['low']:.3f} to {cell['high']:.3f}"
                    shown |= {name: cell["value"], f"95% of {name}": interval}
                rows.append(shown)
        return Table(rows).captioned(f"Groups side by side, on the {self.data.split} split")

    def group_charts(self) -> Charts:
        """Rates of each group with their intervals, both models."""
        return Charts(judged_sections.group_charts(self.data.measured))

    def sizes(self) -> Table:
        """Examples of each group and label in each split."""
        if any(size.classes for size in self.data.sizes):
            of = ({"split": s.split, "group": s.group} | s.classes for s in self.data.sizes)
            return Table(list(of)).captioned(f"Examples of each class of {self.data.label}")
        rows = [
            {
                "split": size.split,
                "group": size.group,
                "negatives": size.negatives,
                "positives": size.positives,
                "share of positives": size.positives / max(1, size.negatives + size.positives),
            }
            for size in self.data.sizes
        ]
        return Table(rows).captioned(f"Positive: {self.data.label} = {self.data.positive}")

    def size_charts(self) -> Charts:
        """Examples of each group and label in each split, drawn."""
        note = f"blue: {self.data.label} = {self.data.positive}; grey: the others"
        return Charts(sections.sizes(self.data)["charts"], note)

    def indicators(self) -> Element:
        """The Fairness Indicators element with both models, opened at the gate's metric."""
        shown = sections.indicators(self.data)
        title = "Fairness Indicators"
        return Element(title, page.element("indicators", title, shown) if shown else "")

    def metrics(self, *ends: str) -> Table:
        """What the element shows, as a table: a row for each metric and slice.

        Args:
          ends: of the metrics' names; none: all.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for model, entries in self.data.indicators.items():
            for entry in entries:
                for name, value in entry["metrics"].items():
                    if ends and not name.endswith(ends):
                        continue
                    key = (name.removeprefix("fairness_indicators_metrics/"), entry["slice"])
                    number = value.get("doubleValue")
                    found.setdefault(key, {})[model] = None if number == "NaN" else number
        rows = [{"metric": key[0], "slice": key[1], **by_model} for key, by_model in found.items()]
        return Table(sorted(rows, key=lambda row: row["metric"]))

    def score_charts(self) -> Charts:
        """ROC and calibration of each group, both models."""
        shown = sections.curves(self.data)
        note = (
            f"On the {self.data.scored} split. Rings mark the threshold that is served, 0.5; bars are "
            "95% intervals."
        )
        return Charts([chart for chart in (shown or {"charts": []})["charts"] if chart], note)

    def at_equal_overall_rate(self) -> Table:
        """Both models at 0.5, and the baseline where it errs as often on everybody's negatives."""
        shown = sections.thresholds(self.data) or {"comparison": [], "words": ""}
        rows = []
        for row in shown["comparison"]:
            of = {"model": row.model, "threshold": row.threshold, "FPR of everybody": row.fpr}
            of |= {f"FPR of {name}": rate for name, rate in row.groups.items()}
            of |= {f"gap over {feature}": gap for feature, gap in row.gaps.items()}
            rows.append(of | {"accuracy": row.accuracy})
        return Table(rows).captioned(f"On the {self.data.scored} split. {shown['words']}".strip())

    def training(self) -> Charts:
        """Objective, error, violations and multipliers over the steps; the chosen snapshot marked."""
        shown = sections.training(self.data) or {"charts": [], "words": ["No history was kept."]}
        return Charts([chart for chart in shown["charts"] if chart], " ".join(shown["words"]))

    def frontier(self) -> Charts:
        """Accuracy against the constraint's value, limit by limit."""
        shown = sections.frontier(self.data)
        if shown is None:
            return Charts(
                (), "No frontier was drawn with these constraints: make frontier draws one."
            )
        return Charts([chart for chart in shown["charts"] if chart], shown["words"])

    def counts(self, model: str = CONSTRAINED) -> dict[Group | None, Counts]:
        """Outcomes of a model: of everybody (None) and of each group.

        On the test split; on the validation split, while the test split is sealed.
        """
        return self._counted(self.data.measured["models"][model])

    def _counted(self, result: Mapping[str, Any]) -> dict[Group | None, Counts]:
        found: dict[Group | None, Counts] = {}
        names = self.settings.data.features.group_names
        results: dict[Group | None, Mapping[str, Any]] = {None: result} | {
            Group(feature, name): result["groups"][shown_name(feature, name, names)]
            for feature, members in names.items()
            for name in members
        }
        for group, of in results.items():
            outcomes = GroupResult.of(of)
            found[group] = _counts(outcomes)
            for label in outcomes.classes:
                found[seen_as(group, label)] = _counts(outcomes, label)
        return found

    def support(self) -> Table:
        """What each constraint of the gate rests on: the examples of each rate, and their errors."""
        counts, rows = self.counts(), []
        for constraint in self.checked():
            for group, label in labels_needed(constraint).items():
                of = counts[group]
                rows.append(
                    {
                        "constraint": words.expression_of(str(constraint)),
                        "group": _name(group),
                        "rests on": f"{int(getattr(of, label)):,} {label}",
                        "false positives": int(of.fp),
                        "false negatives": int(of.fn),
                    }
                )
        return Table(rows).captioned(
            f"What the gate's bounds rest on, in the {self.data.split} split"
        )

    def power(self) -> Sentences:
        """The limits that this test split can promise at all, whatever the model."""
        settings = self.settings
        groups = settings.data.features.vocabulary
        # How many examples there are is told of a sealed split, too.
        sizes = sizes_of(self._counted(self.verdict["models"][CONSTRAINED]))
        said = advice.before_training(settings.gate, groups, sizes)
        if (told := self.verdict.get("sampling") or {}).get("units") is not None:
            said.append(f"That would be of independent examples. {words.sampling(told)}")
        return Sentences(said)

    def bound_by_examples(self) -> Charts:
        """How the bound would shrink if the same rates had been measured on more examples."""
        counts = self.counts()
        delta = 1 - self.verdict["attempt"]["confidence"]
        split = f"{self.data.split} split"
        wider = {row["constraint"]: _wider(row) for row in self.data.measured["gate"]}
        drawn = [
            _shrinking(constraint, counts, delta, split, wider.get(str(constraint), 1.0))
            for constraint in self.checked()
            if not has_changes(constraint.expression)
        ]
        note = (
            f"The ring is this {split}. Where the bound crosses the limit, this model would pass."
        )
        return Charts([chart for chart in drawn if chart], note)

    def checked(self) -> list[Constraint]:
        """The constraints of the gate."""
        settings = self.settings
        found = checks.checks(settings.gate, settings.data.features.vocabulary)
        return [check.constraint for check in found]


def _within(number: float | None, row: Mapping[str, Any]) -> bool:
    """Whether a value or bound keeps the limit; what is unknown keeps none."""
    limit = float(row["limit"])
    return number is not None and (number <= limit if row["side"] == "upper" else number >= limit)


def _wider(row: Mapping[str, Any]) -> float:
    """How far the bound over units is from the value, in distances of that of independent examples."""
    value, independent = row["value"], row.get("independent_bound")
    bound = words.bound_of(row)
    if value is None or bound is None or independent is None or independent == value:
        return 1.0
    return float((bound - value) / (independent - value))


def _shrinking(
    constraint: Constraint, counts: Measured, delta: float, split: str, wider: float
) -> Chart | None:
    needed = labels_needed(constraint)
    found = [(int(getattr(counts[group], label)), label, group) for group, label in needed.items()]
    fewest, label, group = min(found, key=lambda each: each[0])
    value = constraint.value(counts)
    today = value + wider * (bound_of(constraint, counts, delta) - value)
    if not fewest or math.isnan(value):
        return None

    def bound(times: float) -> float:
        sizes = {
            key: Size(round(size.positives * times), round(size.negatives * times))
            for key, size in sizes_of(counts).items()
        }
        return value + wider * (projected_bound(constraint, counts, sizes, delta) - value)

    enough = next((n for n in _TIMES[:-1] if constraint.is_satisfied(bound(n))), _TIMES[-1])
    farthest = 1.25 * enough  # past the crossing, so that it is seen
    every = [0.5 + (farthest - 0.5) * part / (_POINTS - 1) for part in range(_POINTS)]
    examples = [fewest * times for times in every]
    series = [
        Series("bound", [(n, bound(t)) for n, t in zip(examples, every, strict=True)], 1),
        Series("value, as measured", [(n, value) for n in examples], 0),
        Series("limit", [(n, constraint.limit) for n in examples], 4),
    ]
    title = words.plain(words.expression_of(str(constraint)))
    return charts.lines(
        title[0].upper() + title[1:],
        series,
        f"{label} of {_name(group)} in the {split}",
        "value and bound",
        f"bound {today:.4f} with {fewest:,}, limit {constraint.limit:g}",
        marks=[(fewest, today, 1, f"this {split}")],
    )


def _name(group: Group | None) -> str:
    if group is None:
        return EVERYBODY
    return group.words if group.of else group.name


def _counts(result: GroupResult, label: str = "") -> Counts:
    found = Outcomes.of(result, label)
    return Counts(tp=found.tp, fp=found.fp, tn=found.tn, fn=found.fn)
