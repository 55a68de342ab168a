"""The gate on groups as people define them: ranges, several values, the unknown, overlaps, crossings."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fairgate import judge
from fairgate.command_line import main
from fairgate.data.grouping import crossings_named
from fairgate.errors import DataError, SettingsError

N = 3000
RNG = np.random.default_rng(5)
AGE, SEX = RNG.integers(15, 80, N), RNG.choice(["F", "M"], N)
LABEL = RNG.integers(0, 2, N)
SAID = np.where(RNG.random(N) < 0.9, LABEL, 1 - LABEL)
KNOWN = np.arange(N) % 50 != 0
AGES = [int(age) if known else None for age, known in zip(AGE, KNOWN, strict=True)]
DECLARED = {
    "Age": {
        "name": "age",
        "values": {"Young": "<25", "Grown": ">=18", "Old": ">=65"},
        "unknown": [None],
        "overlapping": True,
    }
}
LINES = ["max_gap(FPR, [sex x Age]) <= 0.3", "TPR | [Young & F] >= 0.5"]
MASKS = {
    "F": SEX == "F",
    "Young": KNOWN & (AGE < 25),
    "Grown": KNOWN & (AGE >= 18),
    "Old": KNOWN & (AGE >= 65),
    "F & Young": KNOWN & (AGE < 25) & (SEX == "F"),
    "M & Old": KNOWN & (AGE >= 65) & (SEX == "M"),
}


def judged(**changes):
    given = {"groups": {"age": AGES, "sex": SEX}, "declared": DECLARED, "constraints": LINES}
    return judge(LABEL, SAID, **given | changes)


def test_every_group_and_crossing_is_counted_as_its_rule_says():
    found = judged().models["model"].groups
    for name, mask in MASKS.items():
        assert found[name].examples == mask.sum(), name
        negatives = mask & (LABEL == 0)
        assert found[name].fpr == pytest.approx(SAID[negatives].mean())
    assert "age" not in judged().features  # the raw column is no feature by itself


def test_those_whose_group_is_not_known_count_for_everybody_and_are_told():
    found = judged()
    assert found.models["model"].examples == N
    assert (
        f"the group of Age is not known of {(~KNOWN).sum():,} of {N:,} examples"
        in found.warnings[0]
    )


def test_units_know_overlaps_and_crossings_too():
    found = judged(unit=np.arange(N) // 2, units="cluster_robust").models["model"].groups
    for name, mask in MASKS.items():
        assert found[name].examples == mask.sum(), name


def test_a_crossing_that_no_constraint_names_is_not_told():
    assert list(judged(constraints=["max_gap(FPR, [sex]) <= 0.3"]).features) == ["sex", "Age"]
    plain = judged(
        declared=None,
        groups={"sex": SEX, "old": AGE > 40},
        constraints=["max_gap(FPR, [old x sex]) <= 0.3"],
    )
    assert plain.features["sex x old"] == ["F & false", "F & true", "M & false", "M & true"]


def test_a_value_of_no_group_and_one_that_is_missing_are_refused():
    half = {"Sex": {"name": "sex", "values": {"Women": "F", "Other": "X"}}}
    with pytest.raises(DataError, match="column 'sex' holds 'M', which is in no group of 'Sex'"):
        judged(declared=half, constraints=["FPR | [Women] <= 1"])
    strict = {"Age": DECLARED["Age"] | {"unknown": []}}
    with pytest.raises(DataError, match="'Age' has no value in 60 of 3,000 rows"):
        judged(declared=strict)
    with pytest.raises(SettingsError, match="share a raw value"):
        judged(declared={"Age": {"name": "age", "values": {"A": "1-5", "B": "5-9"}}})


def test_the_command_reads_groups_from_a_file(tmp_path, capsys):
    rows = tmp_path / "rows.csv"
    lines = [
        f"{'' if age is None else age},{sex},{label},{said}"
        for age, sex, label, said in zip(AGES, SEX, LABEL, SAID, strict=True)
    ]
    rows.write_text("\n".join(["age,sex,label,said", *lines]) + "\n")
    groups = tmp_path / "groups.yaml"
    groups.write_text(
        "Age: {name: age, values: {Young: '<25', Grown: '>=18', Old: '>=65'}, unknown: [null], "
        "overlapping: true}\n"
    )
    arguments = ["judge", str(rows), "--label", "label", "--prediction", "said", "--group", "sex"]
    arguments += ["--groups-file", str(groups), "--json"]
    for line in LINES:
        arguments += ["--constraint", line]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert (
        document["models"]["model"]["groups"]["F & Young"]["examples"] == MASKS["F & Young"].sum()
    )
    groups.write_text("- Age")
    assert main(arguments) == 1


def test_crossings_are_found_in_constraints():
    features = ["a", "b", "c"]
    assert crossings_named(["max_gap(FPR, [c x a]) <= 0.1"], features) == ["a x c"]
    assert crossings_named(["FPR | [x & y] <= 0.1"], features) == ["a x b", "a x c", "b x c"]
    assert crossings_named(["FPR | [x] <= 0.1"], features) == []
