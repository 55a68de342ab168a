"""Groups by rule through a whole run: quantiles, ranges, everything else, unknown ones and crossings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml

from components import tfrecords
from components.fairness_metrics.counts import DECISION_THRESHOLD
from pipeline.settings import load
from tests.e2e.runs import Table, captured

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CROSSING = "max_gap(FPR, [Hours x Gender])"
GROUPS = {
    "Gender": {"name": "sex", "values": {"Men": ["M", "m"], "Women": "F"}, "unknown": ["?"]},
    "Hours": {"name": "hours", "values": {"Few": "<q40", "Many": ">=q40"}},
    "Weight": {
        "name": "counts",
        "values": {"Light": "<0.8", "Heavy": ">=1.4 <9"},
        "others": "Even",
    },
    "Shift": {"name": "hours", "values": {"Long": ">=59"}, "others": "Usual"},
}
LEAST = 30


@pytest.fixture(scope="module")
def ruled(tmp_path_factory) -> Table:
    """After a run whose groups are all made by rules."""
    table = Table(tmp_path_factory.mktemp("ruled"))
    people = pd.read_csv(table.folder / "people.csv")
    people.loc[::10, "sex"] = "?"
    people.loc[2::10, "sex"] = people.loc[2::10, "sex"].str.replace("M", "m")
    people.to_csv(table.folder / "people.csv", index=False)
    tree = yaml.safe_load(table.settings.read_text())
    features = tree["data"]["features"]
    features |= {"groups": GROUPS, "crossings": ["Gender x Shift"], "least_crossing": LEAST}
    features |= {"weight": None, "largest_weight": None}
    tree["trainer"]["constraints"] = [f"{CROSSING} <= 0.1"]
    tree["gate"] = {"constraints": [f"{CROSSING} <= 0.9"], "minimum_negatives": 5}
    table.settings.write_text(yaml.safe_dump(tree, sort_keys=False))
    with captured() as output:
        status = table.run()
    assert status == 0, output[0][-6000:]
    return table


def rows(folder: Path, split: str) -> pd.DataFrame:
    """What a split holds, and its records."""
    records = [
        each for file in sorted(folder.glob(f"*{split}*")) for each in tfrecords.records(str(file))
    ]
    kinds = {"sex": tf.string, "income": tf.string, "hours": tf.float32, "counts": tf.string}
    columns = {name: tf.io.FixedLenFeature([], kind) for name, kind in kinds.items()}
    parsed = tf.io.parse_example(tf.constant(records), columns)
    found = pd.DataFrame({name: column.numpy() for name, column in parsed.items()})
    return found.assign(counts=found.counts.astype(float), record=records)


def masks(table: pd.DataFrame, limit: float) -> dict[str, np.ndarray]:
    """Who is in which group, by other means than the pipeline's."""
    men, women = table.sex.isin([b"M", b"m"]), table.sex == b"F"
    few, long = table.hours < limit, table.hours >= 59
    light, heavy = table.counts < 0.8, table.counts >= 1.4
    return {
        "Men": men, "Women": women, "Few": few, "Many": ~few,
        "Light": light, "Heavy": heavy, "Even": ~light & ~heavy, "Long": long, "Usual": ~long,
        "Men & Few": men & few, "Men & Many": men & ~few,
        "Women & Few": women & few, "Women & Many": women & ~few,
        "Men & Long": men & long, "Women & Long": women & long,
        "Men & Usual": men & ~long, "Women & Usual": women & ~long,
    }  # fmt: skip


def test_quantiles_are_measured_on_the_training_split_and_kept(ruled):
    hours = np.sort(rows(ruled.data, "train").hours)
    kept = load([str(ruled.newest / "settings.yaml")]).data.features
    assert kept.groups["Hours"].quantiles == {"q40": hours[int(np.ceil(0.4 * len(hours))) - 1]}
    assert not kept.waits_for_training or not kept.groups["Hours"].membership.waits_for
    assert (
        "quantiles of Hours in the training split: q40 ="
        in (ruled.newest / "steps.json").read_text()
    )


def test_the_verdict_is_about_these_groups_and_the_served_model_is_the_same(ruled):
    features = load([str(ruled.newest / "settings.yaml")]).data.features
    limit = features.groups["Hours"].quantiles["q40"]
    test = rows(ruled.data, "test")
    [version] = ruled.versions
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    scores = served(examples=tf.constant(list(test.record)))["probability"].numpy().ravel()
    yes, negative = scores > DECISION_THRESHOLD, test.income == b"low"
    told = ruled.verdict["models"]["constrained"]["groups"]
    expected = masks(test, limit)
    assert told.keys() == expected.keys() - {"Men & Long", "Women & Long"}
    for name, group in told.items():
        member = expected[name]
        assert group["examples"] == member.sum() and group["negatives"] == (member & negative).sum()
        assert group["fpr"] == pytest.approx(yes[member & negative].mean(), abs=1e-6), name


def test_who_is_unknown_and_what_is_too_small_is_counted(ruled):
    verdict = ruled.verdict
    test, train = rows(ruled.data, "test"), rows(ruled.data, "train")
    everybody = verdict["models"]["constrained"]["examples"]
    unknown = int((test.sex == b"?").sum())
    assert everybody == len(test) and unknown > 0
    said = "\n".join(verdict["warnings"])
    assert f"the group of Gender is not known of {unknown:,} of {len(test):,} examples" in said
    sizes = {n: int(m.sum()) for n, m in masks(train, 0).items() if n.endswith("& Long")}
    assert all(size < LEAST for size in sizes.values())
    assert "2 groups of crossings are left out" in said
    assert all(f"{name} ({size})" in said for name, size in sizes.items())


def test_the_gate_asks_about_the_crossing_by_its_numbers(ruled):
    [row] = [row for row in ruled.verdict["gate"] if "Hours x Gender" in row["constraint"]]
    told = ruled.verdict["models"]["constrained"]["groups"]
    rates = [
        told[f"{sex} & {hours}"]["fpr"] for sex in ("Men", "Women") for hours in ("Few", "Many")
    ]
    assert row["passed"] and row["value"] == pytest.approx(max(rates) - min(rates), abs=1e-6)
