"""Judging predictions of a label with more than two classes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fairgate import judge
from fairgate.command_line import main
from fairgate.constraints.errors import ConstraintError
from fairgate.errors import DataError, SettingsError

NAMES = ["low", "in between", "high"]
RANDOM = np.random.default_rng(0)
PLACES = RANDOM.integers(3, size=3000)
MEN = RANDOM.random(3000) < 0.5
SAID = np.where(RANDOM.random(3000) < 0.9 - 0.05 * MEN, PLACES, RANDOM.integers(3, size=3000))
OTHER = np.where(RANDOM.random(3000) < 0.9, PLACES, RANDOM.integers(3, size=3000))
LABELS, ANSWERS, OTHERS = (np.array(NAMES)[each] for each in (PLACES, SAID, OTHER))
SEX = np.where(MEN, "M", "F")
GATE = [
    "max_gap(TPR(high), [sex]) <= 0.2",
    "max_gap(ERR, [sex]) <= 0.15",
    "FPR([in between]) <= 0.1",
]


def judged(**more):
    given = {"groups": {"sex": SEX}, "constraints": GATE, "classes": NAMES} | more
    return judge(LABELS, ANSWERS, **given)


def test_the_values_are_those_of_counting():
    found = judged()
    of_high = [
        ((SAID == 2) & (PLACES == 2) & rows).sum() / ((PLACES == 2) & rows).sum()
        for rows in (MEN, ~MEN)
    ]
    assert found.blessed
    assert found.gate[0].value == pytest.approx(abs(of_high[0] - of_high[1]))
    assert found.gate[2].value == pytest.approx((SAID == 1)[PLACES != 1].mean())
    assert found.outcomes.accuracy == pytest.approx((SAID == PLACES).mean())
    assert found.outcomes.groups["M"].classes["low"].answers == ((SAID == 0) & MEN).sum()
    assert found.features == {"sex": ["F", "M"]}


def test_beside_another_model_changes_are_known():
    found = judged(
        baseline=OTHERS, constraints=["FNR(high) <= baseline + 0.9", "ERR <= baseline + 0.9"]
    )
    change = (SAID != 2)[PLACES == 2].mean() - (OTHER != 2)[PLACES == 2].mean()
    assert found.gate[0].value == pytest.approx(change)
    assert found.gate[1].value == pytest.approx((SAID != PLACES).mean() - (OTHER != PLACES).mean())


def test_numbers_are_classes_too():
    found = judge(
        PLACES,
        SAID.astype(float),
        groups={"sex": SEX},
        constraints=["TPR(2) >= 0.5"],
        classes=[0, 1, 2.0],
    )
    assert found.gate[0].value == pytest.approx((SAID == 2)[PLACES == 2].mean())


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"classes": ["low", "high"]}, SettingsError, "expected 3 to 100 different names"),
        ({"classes": [*NAMES, "low"]}, SettingsError, "different names"),
        ({"threshold": 0.5}, SettingsError, "threshold is given beside classes"),
        ({"positive": "high"}, SettingsError, "positive is given beside classes"),
        ({"classes": ["low", "high", "none"]}, DataError, "'in between', which is no class"),
        ({"classes": [*NAMES, "none"]}, DataError, "never holds the class 'none'"),
        ({"constraints": ["FPR <= 0.1"]}, ConstraintError, "of which class"),
        ({"constraints": ["FPR(mid) <= 0.1"]}, ConstraintError, "no class of the label"),
    ],
)
def test_what_does_not_fit_is_said(more, error, said):
    with pytest.raises(error) as raised:
        judged(**more)
    assert said in str(raised.value)


def test_a_ledger_counts_attempts_on_classes(tmp_path):
    first = judged(ledger=tmp_path / "ledger")
    again = judged(ledger=tmp_path / "ledger")
    assert first.attempt.test_digest == again.attempt.test_digest
    assert [row.value for row in first.gate] == [row.value for row in again.gate]


def test_the_command_judges_a_csv_file(tmp_path, capsys):
    file = tmp_path / "predictions.csv"
    rows = [f"{a},{b},{c}" for a, b, c in zip(LABELS, ANSWERS, SEX, strict=True)]
    file.write_text("\n".join(["grade,said,sex", *rows]) + "\n")
    options = ["judge", str(file), "--label", "grade", "--prediction", "said", "--group", "sex"]
    options += [part for name in NAMES for part in ("--classes", name)]
    page = tmp_path / "page.html"
    limits = [part for line in GATE for part in ("--constraint", line)]
    assert main([*options, *limits, "--report", str(page), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["gate"][0]["value"] == pytest.approx(judged().gate[0].value)
    assert "true positive rate for class high" in page.read_text().lower()
    assert main([*options, "--constraint", "max_gap(TPR(high), [sex]) <= 0.01"]) == 3
    assert "largest gap in true positive rate for class high" in " ".join(
        capsys.readouterr().out.split()
    )
