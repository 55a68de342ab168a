"""Which row goes to which split: shares by stratum and group, rows that stay together, what is told."""

from __future__ import annotations

import collections
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.__main__ import main
from pipeline.data.from_csv import dividing

SHARES = {"train": 0.6, "validation": 0.25, "test": 0.15}
TENTHS = {"train": 0.8, "validation": 0.1, "test": 0.1}


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([("a", 0), ("a", 1), ("b", 0)]), max_size=300), st.integers(0, 2**32)
)
def test_every_stratum_is_divided_by_the_shares_to_one_row(strata, seed):
    divided = dividing.stratified(strata, SHARES, seed)
    assert sorted(row for rows in divided.values() for row in rows) == list(range(len(strata)))
    assert divided == dividing.stratified(strata, SHARES, seed)
    for stratum, count in collections.Counter(strata).items():
        for split, share in SHARES.items():
            found = sum(strata[row] == stratum for row in divided[split])
            assert abs(found - share * count) <= 1


def furthest(strata: Sequence[tuple], divided: Mapping[str, Iterable[int]]) -> float:
    """Rows by which a label, a group or both together are furthest from their share of a split."""
    worst = 0.0
    for place, with_label in itertools.product(range(len(strata[0])), (False, True)):

        def margin(stratum, place=place, with_label=with_label):
            return stratum[place], stratum[0] if with_label else None

        whole = collections.Counter(map(margin, strata))
        for split, rows in divided.items():
            found = collections.Counter(margin(strata[row]) for row in rows)
            worst = max(worst, *(abs(found[m] - TENTHS[split] * n) for m, n in whole.items()))
    return worst


@pytest.mark.parametrize(("n", "seed"), [(1200, 0), (1200, 1), (5000, 2)])
def test_with_more_strata_than_rows_every_group_still_has_its_share(n, seed):
    """Four group features make 960 strata: each has a row or five, of which none is a tenth."""
    rng = np.random.default_rng(seed)
    columns = ["yn", "fm", "abcdef", "nsewx", "12345678"]
    rare = [0.6, 0.2, 0.1, 0.05, 0.03, 0.02]
    strata = list(
        zip(
            *(rng.choice(list(c), n, p=rare if len(c) == 6 else None) for c in columns), strict=True
        )
    )
    divided = dividing.stratified(strata, TENTHS, seed)
    assert all(abs(len(rows) - TENTHS[split] * n) <= 1 for split, rows in divided.items())
    assert furthest(strata, divided) <= 4


def test_a_rare_group_that_is_spread_over_many_strata_is_in_every_split():
    strata = [(row % 2, "rare" if row < 20 else "common", row // 5) for row in range(1000)]
    divided = dividing.stratified(strata, TENTHS, 0)
    rare = [sum(row < 20 for row in rows) for rows in divided.values()]
    assert np.abs(np.subtract(rare, [16, 2, 2])).max() <= 1
    assert all(abs(len(rows) - 1000 * TENTHS[split]) <= 2 for split, rows in divided.items())


def test_another_seed_divides_otherwise():
    one, other = (dividing.stratified([("a",)] * 100, SHARES, seed) for seed in (0, 1))
    assert one != other


def test_rows_of_one_person_stay_together_whatever_else_there_is():
    people = [str(i // 3) for i in range(6000)]
    strata = [("a",)] * 6000
    divided = dividing.together(people, strata, SHARES, seed=0)
    of = {people[row]: split for split, rows in divided.items() for row in rows}
    assert sum(map(len, divided.values())) == 6000
    for split, rows in divided.items():
        assert all(of[people[row]] == split for row in rows)
        # Of 2000 people: four standard deviations.
        share = SHARES[split]
        assert abs(len(rows) / 6000 - share) < 4 * np.sqrt(share * (1 - share) / 2000)
    fewer = dividing.together(people[3000:], strata[3000:], SHARES, seed=0)
    assert all(of[people[3000 + row]] == split for split, rows in fewer.items() for row in rows)


def test_rows_of_nobody_in_particular_are_not_one_person():
    people = [None if i % 2 else str(i) for i in range(4000)]
    strata = [(i % 8 == 1,) for i in range(4000)]
    divided = dividing.together(people, strata, SHARES, seed=0)
    assert sorted(itertools.chain(*divided.values())) == list(range(4000))
    for split, rows in divided.items():
        alone = [row for row in rows if people[row] is None]
        assert len(alone) == 2000 * SHARES[split]
        assert sum(row % 8 == 1 for row in alone) == 500 * SHARES[split]


# What the command says of it.


@pytest.fixture
def command(tmp_path, capsys):
    """Runs `data from-csv` over rows of (id, age, sex, race, pay); returns (document, text, schema)."""

    def run(rows: Iterable[tuple], *arguments: str, test: Iterable[tuple] = (), **csv):
        tree = {
            "data": {
                "path": str(tmp_path / "data"),
                "schema_file": str(tmp_path / "schema.pbtxt"),
                "csv": {"columns": ["id", "age", "sex", "race", "pay"], **csv},
                "features": {
                    "numeric": ["age"],
                    "label": {"name": "pay", "positive": "yes", "negative": "no"},
                    "groups": {
                        "Sex": {"name": "sex", "values": {"Women": "f", "Men": "m"}},
                        "Race": {"name": "race", "values": {"A": "a", "everybody": "b"}},
                    },
                },
            },
            "trainer": {"network": "tabular", "constraints": ["max_gap(TPR, [Sex]) <= 0.1"]},
            "gate": {"constraints": ["max_gap(TPR, [Sex]) <= 0.9"]},
        }
        (tmp_path / "settings.yaml").write_text(yaml.safe_dump(tree))
        given = ["data", "from-csv", str(write(tmp_path / "rows.csv", rows))]
        if test:
            given += ["--test", str(write(tmp_path / "test.csv", test))]
        given += ["--settings", str(tmp_path / "settings.yaml"), *arguments]
        assert main(given) == 0
        return capsys.readouterr().out, (tmp_path / "schema.pbtxt").read_text()

    return run


def write(file: Path, rows: Iterable[tuple]) -> Path:
    file.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return file


def people(n: int) -> list[tuple]:
    """One in four is of race b, one in two paid; whoever is of race b is a woman."""
    return [
        (i, 20 + i % 50, "fm"[i % 4 > 1], "ba"[i % 4 > 0], ["no", "yes"][i // 4 % 2])
        for i in range(n)
    ]


def test_rows_are_counted_by_split_group_and_label(command):
    document = json.loads(command(people(800), "--json")[0])
    assert document["rows"] == {"train": 640, "validation": 80, "test": 80}
    assert document["warnings"] == []
    cells = {(c["feature"], c["group"], c["positive"]): c["rows"] for c in document["groups"]}
    assert len(cells) == 10
    assert cells[None, None, True] == {"train": 320, "validation": 40, "test": 40}
    assert cells["Race", "everybody", True] == {"train": 80, "validation": 10, "test": 10}
    assert cells["Race", "A", False] == {"train": 240, "validation": 30, "test": 30}


def test_the_counts_are_a_table_in_which_a_group_called_everybody_is_no_row_of_all(command):
    words = command(people(800))[0].split()
    text = " ".join(words)
    assert "everybody no 320 40 40 yes 320 40 40" in text
    assert "Women no 160 20 20 yes 160 20 20" in text
    assert "Race=everybody no 80 10 10 yes 80 10 10" in text
    assert "(rows: train 640, validation 80, test 80)" in text and "warning" not in text


def test_a_group_that_a_split_lacks_is_told(command):
    rows = people(400)
    few = [row for row in rows if row[3] == "a"] + [row for row in rows if row[3] == "b"][:4]
    text = " ".join(command(few)[0].split())
    assert "warning: split 'validation' has no row of [everybody] (Race), pay = " in text


def test_a_group_that_a_file_of_its_own_lacks_is_told(command):
    test = [row for row in people(80) if row[2] == "m"]
    text = " ".join(command(people(400), test=test)[0].split())
    assert "warning: split 'test' has no row of [" in text and "[Women] (Sex), pay = no" in text


def test_what_large_units_do_to_the_shares_is_told(command):
    rows = [(i // 20, *row[1:]) for i, row in enumerate(people(800))]
    text = " ".join(command(rows, together="id")[0].split())
    assert "is not divided as asked: pay = no: " in text and "data.csv.seed draws anew" in text


def test_empty_fields_of_the_column_that_keeps_rows_together_are_nobody(command):
    rows = [("?" if i % 3 else f"p{i}", *row[1:]) for i, row in enumerate(people(3000))]
    text, _ = command(rows, "--json", together="id", missing=["?"])
    document = json.loads(text)
    for split, share in TENTHS.items():
        assert abs(document["rows"][split] - share * 3000) < 4 * np.sqrt(1000 * share * (1 - share))
    [warning] = document["warnings"]
    assert "2,000 rows have nothing in column 'id'" in warning


@pytest.mark.parametrize("seed", range(4))
def test_the_drafted_contract_lets_the_dataset_itself_pass(command, seed):
    """One row lacks its number, and may be in any split."""
    rows = people(40)
    rows[7] = (7, "", *rows[7][2:])
    _, text = command(rows, seed=seed)
    schema = text_format.Parse(text, schema_pb2.Schema())
    [age] = [column for column in schema.feature if column.name == "age"]
    assert not age.presence.min_fraction and age.value_count.max == 1


def test_the_drafted_contract_knows_the_files_that_are_splits_of_their_own(command):
    lacking = [(row[0], "", *row[2:]) for row in people(8)]
    _, text = command(people(80), test=[*people(8), *lacking])
    assert "min_fraction" not in text.split('name: "age"')[1].split("feature")[0]
