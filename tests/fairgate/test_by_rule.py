"""Labels and groups by rule in `judge`, `power` and `monitor`: the same rules give the same counts."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fairgate
from fairgate.command_line import main
from fairgate.data.answers import Labels, meanings, positive_of
from fairgate.data.columns import encode
from fairgate.errors import DataError, SettingsError

RANDOM = np.random.default_rng(0)
N = 4000
INCOME = RANDOM.integers(0, 100_000, N)
AGE = np.where(RANDOM.random(N) < 0.05, -99, RANDOM.integers(18, 80, N))
SEX = RANDOM.choice(["m", "M", "f"], N)
YES = INCOME >= 50_000
SAID = YES ^ (RANDOM.random(N) < np.where(SEX == "f", 0.3, 0.1))
GROUPS = """
Age: {name: age, values: {Young: "<30", Grown: ">=30"}, unknown: [-99]}
Sex: {name: sex, values: {Men: [m, M], Women: f}}
"""
LINE = "max_gap(FPR, [Age x Sex]) <= 0.5"
RULE = ["--label", "income", "--positive", ">= 50000"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The rows as they are, and with what the rules make of them written out."""
    monkeypatch.chdir(tmp_path)
    rows = zip(INCOME, SAID.astype(int), AGE, SEX, strict=True)
    lines = [f"{income},{said},{age},{sex}" for income, said, age, sex in rows]
    (tmp_path / "rows.csv").write_text("\n".join(["income,said,age,sex", *lines]) + "\n")
    (tmp_path / "groups.yaml").write_text(GROUPS)
    return tmp_path


def document(capsys, *arguments: str) -> dict:
    main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def test_judge_takes_a_label_by_a_range(files, capsys):
    told = ["--prediction", "said", "--groups-file", "groups.yaml", "--constraint", LINE]
    found = document(capsys, "judge", "rows.csv", *RULE, *told)
    everybody = found["models"]["model"]
    assert everybody["negatives"] == int((~YES).sum())
    assert everybody["accuracy"] == pytest.approx(float((YES == SAID).mean()))
    young_women = (AGE < 30) & (AGE != -99) & (SEX == "f")
    assert everybody["groups"]["Young & Women"]["examples"] == int(young_women.sum())


def test_power_counts_the_same_examples(files, capsys):
    asked = ["--groups-file", "groups.yaml", "--constraint", LINE]
    found = document(capsys, "power", "rows.csv", *RULE, *asked)
    counts = {
        f"{age} & {sex}": (int((member & ~YES).sum()), int((member & YES).sum()))
        for age, of_age in (("Young", (AGE >= 0) & (AGE < 30)), ("Grown", AGE >= 30))
        for sex, of_sex in (("Men", SEX != "f"), ("Women", SEX == "f"))
        for member in [of_age & of_sex]
    }
    [promise] = found["promises"]
    fewest = min(counts, key=lambda name: counts[name][0])
    assert f"{counts[fewest][0]:,} negatives of [{fewest}], the fewest" in " ".join(
        promise["sentence"].split()
    )
    assert main(["power", "rows.csv", "--label", "income", "--constraint", "FPR <= 0.1"]) == 1
    assert main(["power", "rows.csv", *asked]) == 1  # both or neither


def test_monitor_counts_the_same_records_and_its_state_knows_the_rules(files, capsys):
    asked = ["--groups-file", "groups.yaml", "--constraint", LINE]
    state = ["--state", "state.json"]
    found = document(capsys, "monitor", "rows.csv", *RULE, "--prediction", "said", *asked, *state)
    judged = fairgate.judge(
        INCOME,
        SAID,
        groups={"age": AGE, "sex": SEX},
        constraints=LINE,
        positive=">=50000",
        declared={
            "Age": {"name": "age", "values": {"Young": "<30", "Grown": ">=30"}, "unknown": [-99]},
            "Sex": {"name": "sex", "values": {"Men": ["m", "M"], "Women": "f"}},
        },
    )
    [row] = found["constraints"]
    assert found["records"] == N and found["left_out"] == {}
    assert row["value"] == pytest.approx(judged.as_document()["gate"][0]["value"])
    assert document(capsys, "monitor", "rows.csv", *state)["records"] == N  # nothing is said again
    (files / "groups.yaml").write_text(GROUPS.replace("30", "40"))
    assert main(["monitor", "rows.csv", "--groups-file", "groups.yaml", *state]) == 1
    assert "the state is of another question: declared" in capsys.readouterr().err


def test_a_monitor_leaves_out_what_no_rule_names(files, capsys):
    asked = ["--groups-file", "groups.yaml", "--constraint", "FPR | [Men] <= 0.5"]
    (files / "groups.yaml").write_text("Sex: {name: sex, values: {Men: m, Women: f}}")
    found = document(capsys, "monitor", "rows.csv", *RULE, "--prediction", "said", *asked)
    assert found["left_out"] == {"a group that is not watched": int((SEX == "M").sum())}


def test_a_monitor_in_python_takes_rules_too(tmp_path):
    declared = {"Age": {"name": "age", "values": {"Young": "<30", "Grown": ">=30"}}}
    monitor = fairgate.Monitor(
        "max_gap(FPR, [Age x sex]) <= 0.5",
        groups={"sex": ["m", "M", "f"]},
        declared=declared,
        positive=">=50000",
    )
    with pytest.raises(DataError, match="no column 'age'"):
        monitor.update(INCOME, SAID, {"sex": SEX})
    monitor.update(INCOME, SAID, {"sex": SEX, "age": np.abs(AGE)})
    assert monitor.records == N
    monitor.save(tmp_path / "state.json")
    assert fairgate.Monitor.load(tmp_path / "state.json").question == monitor.question


def test_quantiles_need_their_numbers_where_there_is_no_training_split(files, capsys):
    (files / "groups.yaml").write_text('Age: {name: age, values: {A: "<q50", B: ">=q50"}}')
    told = [*RULE, "--groups-file", "groups.yaml", "--constraint", "max_gap(FPR, [Age]) <= 0.5"]
    for command in (["judge"], ["power"], ["monitor"]):
        said = [] if command == ["power"] else ["--prediction", "said"]
        assert main([*command, "rows.csv", *told, *said]) == 1
        assert "q50 is a quantile of a training split" in capsys.readouterr().err
    (files / "groups.yaml").write_text(
        'Age: {name: age, values: {A: "<q50", B: ">=q50"}, quantiles: {q50: 45}}'
    )
    assert main(["power", "rows.csv", *told]) == 0


# What is a Yes.


def read(positive, labels, answers) -> tuple[list[int], list[bool]]:
    column = Labels("label", positive_of(positive))
    found = column.read(encode(labels)).tolist()
    column.check()
    values = encode(answers)
    yes = meanings("said", values.values, column)
    return found, yes[values.codes].tolist()


@pytest.mark.parametrize(
    ("positive", "labels", "answers", "right", "said"),
    [
        (">=10", [5, 10, 20], ["yes", "no", "yes"], [0, 1, 1], [True, False, True]),
        (">=10", [5, 10, 20], [1, 0, 1], [0, 1, 1], [True, False, True]),
        (">=10", ["5", "10.0", "1e2"], [9, 11, 10], [0, 1, 1], [False, True, True]),
        (">=1", [0, 1, 2], [0, 1, 1], [0, 1, 1], [False, True, True]),
        (["a", "b"], ["a", "b", "c"], ["a", "c", "b"], [1, 1, 0], [True, False, True]),
        (["a", "b"], ["a", "b", "c"], [1, 0, 1], [1, 1, 0], [True, False, True]),
        ([1, ">=5"], [1, 2, 7], ["yes", "no", "no"], [1, 0, 1], [True, False, False]),
        (1.0, ["1", "2"], ["2", "1"], [1, 0], [False, True]),
    ],
)
def test_a_yes_is_a_value_a_range_or_several(positive, labels, answers, right, said):
    assert read(positive, labels, answers) == (right, said)


@pytest.mark.parametrize(
    ("positive", "labels", "answers", "error", "said"),
    [
        (">=10", [5, "n/a", 20], [1, 0, 1], DataError, "'n/a', which is no number"),
        (">=10", [5, 6], [1, 0], DataError, "never holds '>=10'"),
        ("<1", [0, 1, 2], [0, 1, 1], DataError, "which may be decisions or numbers"),
        (">=10", [5, 10], ["often", 1], DataError, "holds 'often': expected decisions"),
        (">=q50", [5, 10], [0, 1], SettingsError, "q50 is a quantile"),
        (["a", "b"], ["a", "c"], ["a", "d"], DataError, "'a' or 'b' was named as its Yes"),
    ],
)
def test_what_cannot_be_a_yes_or_a_no_is_told(positive, labels, answers, error, said):
    with pytest.raises(error) as found:
        read(positive, labels, answers)
    assert said in str(found.value)
