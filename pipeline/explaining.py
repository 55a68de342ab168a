"""Why a run was blocked, or why it passed: in sentences, with the counts behind them.

Reads what verdict.json and settings.yaml say; decides nothing, and loads neither TensorFlow nor SciPy.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from components.report import words
from components.report.data import BASELINE, CONSTRAINED
from pipeline.runs import Run
from pipeline.verdict import GateRow, GroupResult, Verdict

EVERYBODY = "everybody"


@dataclass(frozen=True)
class Outcomes:
    """How many examples of a group came out how."""

    tp: int
    fp: int
    tn: int
    fn: int

    @classmethod
    def of(cls, result: GroupResult) -> Outcomes:
        """The whole numbers that the rates of `result` were made of."""
        positives = result.examples - result.negatives
        fp = round((result.fpr or 0.0) * result.negatives)
        fn = round((result.fnr or 0.0) * positives)
        return cls(tp=positives - fn, fp=fp, tn=result.negatives - fp, fn=fn)


@dataclass(frozen=True)
class Count:
    """What a rate of a group was counted of: `part` of `whole`, in words `what`."""

    group: str
    rate: str
    part: int
    whole: int
    what: str

    @property
    def value(self) -> float | None:
        """The rate; None where there is nothing to count."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class Reasoning:
    """One constraint of the gate: whether it was kept, in sentences, and what was counted for it."""

    constraint: str
    passed: bool
    sentences: list[str]
    counts: list[Count]


@dataclass(frozen=True)
class Step:
    """A command to try next, and what for."""

    command: str
    purpose: str


@dataclass(frozen=True)
class Explanation:
    """All that there is to say.

    Attributes:
      sentence: the verdict in one sentence.
      constraints: of the gate, those that blocked first.
      others: what else blocked.
      kept: what else was asked of the model, and is kept.
      advice: what would help, as the run itself said it.
      next: what to try.
    """

    sentence: str
    constraints: list[Reasoning]
    others: list[str]
    kept: list[str]
    advice: list[str]
    next: list[Step]


def explain(run: Run, verdict: Verdict, command: str) -> Explanation:
    """The explanation of a run that has a verdict.

    Args:
      run: with its settings.
      verdict: of the run.
      command: how the command line is called.
    """
    rows = sorted(verdict.gate, key=lambda row: row.passed)
    features = _features(run.settings)
    asked = [row.constraint for row in verdict.gate]
    others = [reason for reason in verdict.reasons if not reason.startswith(tuple(asked))]
    return Explanation(
        sentence=words.sentence(asdict(verdict)),
        constraints=[
            Reasoning(row.constraint, row.passed, _sentences(row), counts(row, verdict, features))
            for row in rows
        ],
        others=others,
        kept=_kept(run.settings, verdict),
        advice=verdict.advice,
        next=_served(run, verdict, command)
        if verdict.blessed
        else _ways_out(run, verdict, command),
    )


def _sentences(row: GateRow) -> list[str]:
    name = words.plain(words.expression_of(row.constraint))
    name = name[0].upper() + name[1:]
    if row.value is None:
        return [
            f"{name} could not be measured: a group that it needs has no examples for its rate, or a "
            "divisor is 0."
        ]
    confidence = words.percent(row.confidence)
    if row.bound is None or row.margin is None:
        return [
            f"{name} is {words.number(row.value)} on the test split, but nothing can be promised of it "
            f"at {confidence} confidence: its divisor could be 0 or negative."
        ]
    most, beyond = ("at most", "over") if row.sense == "<=" else ("at least", "under")
    side = "within" if row.margin >= 0 else beyond
    sentences = [
        f"{name} is {words.number(row.value)} on the test split; with {confidence} confidence it is "
        f"{most} {words.number(row.bound)}, which is {words.number(abs(row.margin))} {side} the limit of "
        f"{row.limit:g}."
    ]
    if not row.passed:
        sentences.append(
            "The measured value itself keeps the limit: what is missing is certainty, and that takes "
            "more test examples of the groups counted below."
            if keeps(row)
            else "The measured value itself breaks the limit: the model must change."
        )
    if row.baseline_value is not None:
        bound = row.baseline_bound
        known = "" if bound is None else f" ({most} {words.number(bound)})"
        sentences.append(
            "The baseline, trained without constraints, has "
            f"{words.number(row.baseline_value)}{known}."
        )
    return sentences


def keeps(row: GateRow) -> bool:
    """Whether the measured value, and not only its bound, keeps the limit."""
    if row.value is None:
        return False
    return row.value <= row.limit if row.sense == "<=" else row.value >= row.limit


def counts(row: GateRow, verdict: Verdict, features: Mapping[str, Sequence[str]]) -> list[Count]:
    """What the constraint's rates were counted of, in the order in which it names them.

    Args:
      row: the constraint.
      verdict: with the constrained model's outcomes.
      features: name of each group feature -> names of its groups.
    """
    model = verdict.models[CONSTRAINED]
    found: dict[tuple[str, str], Count] = {}
    for rate, group in _rates_in(words.expression_of(row.constraint), features, model.groups):
        result = model if group == EVERYBODY else model.groups.get(group)
        if rate not in _COUNTED or result is None:
            continue
        part, whole, what = _COUNTED[rate]
        outcomes = Outcomes.of(result)
        found.setdefault((rate, group), Count(group, rate, part(outcomes), whole(outcomes), what))
    return list(found.values())


_Counting = Callable[[Outcomes], int]
# Rate -> what is counted, of what, and how that is said.
_COUNTED: dict[str, tuple[_Counting, _Counting, str]] = {
    "FPR": (lambda o: o.fp, lambda o: o.fp + o.tn, "negatives were told Yes"),
    "TNR": (lambda o: o.tn, lambda o: o.fp + o.tn, "negatives were told No"),
    "FNR": (lambda o: o.fn, lambda o: o.fn + o.tp, "positives were told No"),
    "TPR": (lambda o: o.tp, lambda o: o.fn + o.tp, "positives were told Yes"),
    "ACC": (lambda o: o.tp + o.tn, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told right"),
    "ERR": (lambda o: o.fp + o.fn, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told wrong"),
    "PPR": (lambda o: o.tp + o.fp, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told Yes"),
    "NPR": (lambda o: o.tn + o.fn, lambda o: o.tp + o.fp + o.tn + o.fn, "examples were told No"),
    "PPV": (lambda o: o.tp, lambda o: o.tp + o.fp, "of those told Yes are positive"),
    "FDR": (lambda o: o.fp, lambda o: o.tp + o.fp, "of those told Yes are negative"),
    "NPV": (lambda o: o.tn, lambda o: o.tn + o.fn, "of those told No are negative"),
    "FOR": (lambda o: o.fn, lambda o: o.tn + o.fn, "of those told No are positive"),
}
_BRACKET = r"\[((?:\\.|[^\]\\])*)\]"
_NAMED_RATE = re.compile(
    rf"max_gap\(\s*(?P<gap>\w+)\s*,\s*{_BRACKET}\s*\)|(?P<rate>[A-Z]{{3}})(?:\s*\|\s*{_BRACKET})?"
)


def _rates_in(
    expression: str, features: Mapping[str, Sequence[str]], known: Iterable[str]
) -> list[tuple[str, str]]:
    """(rate, group) of every rate that an expression names; the group as the verdict calls it."""
    found = []
    for match in _NAMED_RATE.finditer(expression):
        if match["gap"]:
            feature = _plain(match[2])
            groups = [(feature, name) for name in features.get(feature, ())]
        else:
            feature, _, name = _plain(match[4] or "").rpartition("=")
            groups = [(feature, name)]
        rate = match["gap"] or match["rate"]
        found += [(rate, _shown(*group, known) if group[1] else EVERYBODY) for group in groups]
    return found


def _plain(bracket: str) -> str:
    return re.sub(r"\\(.)", r"\1", bracket).strip()


def _shown(feature: str, name: str, known: Iterable[str]) -> str:
    """As the verdict calls the group: with its feature only where two features have one of that name."""
    return f"{feature}={name}" if f"{feature}={name}" in known else name


def _features(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    groups = settings.get("data", {}).get("features", {}).get("groups", {})
    return {feature: list(group["values"]) for feature, group in groups.items()}


def _kept(settings: Mapping[str, Any], verdict: Verdict) -> list[str]:
    """What else the gate asks, and the model keeps."""
    gate, model = settings.get("gate", {}), verdict.models[CONSTRAINED]
    sentences = []
    if model.accuracy is not None and model.accuracy >= gate.get("minimum_accuracy", 2):
        baseline = verdict.models.get(BASELINE)
        of_baseline = f"; the baseline's is {words.number(baseline.accuracy)}" if baseline else ""
        sentences.append(
            f"accuracy {words.number(model.accuracy)} is at least gate.minimum_accuracy = "
            f"{gate['minimum_accuracy']:g}{of_baseline}"
        )
    name, fewest = min(model.groups.items(), key=lambda item: item[1].negatives)
    if fewest.negatives >= gate.get("minimum_negatives", math.inf):
        sentences.append(
            f"group [{name}] has the fewest negatives in the test split, {fewest.negatives:,}: at least "
            f"gate.minimum_negatives = {gate['minimum_negatives']:,}"
        )
    return sentences


def _served(run: Run, verdict: Verdict, command: str) -> list[Step]:
    if verdict.pushed_model is None:
        return []
    if not verdict.model_is_there:
        own = f"--settings {shlex.quote(str(run.settings_file))}"
        return [Step(f"{command} run {own}", "pushes the model again: it is no longer there")]
    model = shlex.quote(verdict.pushed_model)
    table = run.settings.get("data", {}).get("features", {}).get("image") is None
    what, own = ("FILE.csv", "rows") if table else ("FOLDER", "pictures")
    return [Step(f"{command} serve {what} --model {model}", f"asks the model about your own {own}")]


def _ways_out(run: Run, verdict: Verdict, command: str) -> list[Step]:
    """From what costs nothing to what takes new data."""
    own = f"--settings {shlex.quote(str(run.settings_file))}"
    again = f"{command} run {own} {_new_data(run.settings, verdict.advice)}"
    steps = []
    if any(not row.passed and not keeps(row) for row in verdict.gate) or _is_too_inaccurate(
        verdict
    ):
        steps.append(
            Step(
                f"{command} frontier {own}",
                "shows on the validation split what each limit costs in accuracy; asks the test split "
                "nothing",
            )
        )
    if any(not row.passed and row.value is not None for row in verdict.gate):
        steps.append(
            Step(
                f"{again} --set trainer.selection.rated_by=gate",
                "more data, with a test split that no model was judged on, and the snapshot chosen by "
                "what the gate will say of it",
            )
        )
    elif not steps:
        steps.append(Step(again, "more data, of every group"))
    return steps


def _is_too_inaccurate(verdict: Verdict) -> bool:
    return any("minimum_accuracy" in reason for reason in verdict.reasons)


def _new_data(settings: Mapping[str, Any], advice: Sequence[str]) -> str:
    """Settings that ask for as much data as the advice says, or for whatever the user has."""
    data = settings.get("data", {})
    if data.get("path") is not None:
        return "--set data.path=FOLDER"
    factors = [float(times) for times in re.findall(r"\(([\d.]+) times", " ".join(advice))]
    stand_in = data.get("stand_in", {})
    # Rounded up to thousands: it is an estimate.
    images = math.ceil(max(factors, default=2) * stand_in.get("images", 80_000) / 1000) * 1000
    return f"--set data.stand_in.images={images} --set data.stand_in.seed={stand_in.get('seed', 0) + 1}"
