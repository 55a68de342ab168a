"""Counting: the counts are NumPy's, whatever the batches; what means nothing is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.constraints.rates import Group, count_outcomes
from fairgate.data import columns, counting
from fairgate.data.counting import Tally
from fairgate.data.question import Question
from fairgate.errors import DataError, SettingsError

QUESTION = Question("label", "said", ("sex",))


def tally(rows, question: Question = QUESTION, size: int = 10**6, digesting=False) -> Tally:
    """Of columns of values, dealt out in batches of `size` rows."""
    found = Tally(question, digesting)
    n = max(len(column) for column in rows.values())
    for start in range(0, n, size):
        part = {name: np.array(c, object)[start : start + size] for name, c in rows.items()}
        batches = columns.batches(
            {name: part[name] for name in question.names},
            {name: part[name] for name in question.numbers},
        )
        for batch in batches:
            found.add(batch)
    found.check()
    return found


row = st.tuples(
    st.integers(0, 1), st.integers(0, 1), st.integers(0, 1), st.sampled_from("FMX"), st.booleans()
)


@settings(deadline=None)
@given(st.lists(row, min_size=1, max_size=60), st.integers(1, 60))
def test_counts_are_those_of_numpy_whatever_the_batches(rows, size):
    label, said, before, sex, old = map(np.array, zip(*rows, strict=True))
    question = Question("label", "said", ("sex", "old"), baseline="before")
    given_ = {"label": label, "said": said, "before": before, "sex": sex, "old": old}
    found = tally(given_, question, size)
    assert found.rows == len(rows)
    assert found.groups == {
        "sex": sorted(set(sex)),
        "old": sorted({str(value).lower() for value in old}),
    }
    for decisions, baseline in ((said, False), (before, True)):
        measured = found.outcomes(baseline)
        assert measured[None] == count_outcomes(decisions, label)
        for name in set(sex):
            assert measured[Group("sex", name)] == count_outcomes(decisions, label, sex == name)
        for value in set(old):
            group = Group("old", str(value).lower())
            assert measured[group] == count_outcomes(decisions, label, old == value)


@given(st.lists(st.tuples(st.floats(-2, 2), st.integers(0, 1)), min_size=1), st.floats(-1, 1))
def test_a_score_above_the_threshold_is_a_yes(rows, threshold):
    scores, labels = map(np.array, zip(*rows, strict=True))
    question = Question("label", "score", ("sex",), threshold=threshold)
    found = tally({"label": labels, "score": scores, "sex": ["F"] * len(rows)}, question)
    assert found.outcomes()[None] == count_outcomes(scores > threshold, labels)


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (["1", "0"], None),
        ([1, 0], None),
        ([1.0, 0.0], None),
        ([True, False], None),
        (["true", "FALSE"], None),
        (["Yes", "no"], None),
        (["y", "N"], None),
        ([1, -1], None),
        (["Hired", "Rejected"], "Hired"),
        ([0, 1], "0"),
        (["no", "yes"], "no"),
        (["good", "bad", "ugly"], "good"),
    ],
)
def test_what_is_a_yes(labels, positive):
    said = labels if len(labels) == 2 else ["good", "bad", "bad"]
    question = Question("label", "said", ("sex",), positive=positive)
    rows = {"label": labels, "said": said, "sex": ["F"] * len(labels)}
    counts = tally(rows, question).outcomes()[None]
    assert (counts.tp, counts.tn, counts.fp, counts.fn) == (1, len(labels) - 1, 0, 0)


def test_decisions_may_be_plain_where_labels_have_names():
    question = Question("label", "said", ("sex",), positive="Hired")
    rows = {"label": ["Hired", "Rejected"] * 2, "said": [1, 0, 0, 1], "sex": ["F"] * 4}
    counts = tally(rows, question).outcomes()[None]
    assert (counts.tp, counts.tn, counts.fp, counts.fn) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "positive", "message"),
    [
        ({"label": ["Hired", "no"]}, None, "column 'label' holds 'Hired', which is neither"),
        ({"said": ["maybe", "no"]}, None, "column 'said' holds 'maybe', which is neither"),
        ({"label": [0.7, 0]}, None, "column 'label' holds '0.7', which is neither"),
        ({"label": ["yes", "true"], "said": [1, "1.0"]}, None, None),
        (
            {"label": ["1", "no"]},
            "Hired",
            "never holds 'Hired', which was named as its Yes; it holds",
        ),
        ({"label": ["Hired", "no"], "said": ["hired", "no"]}, "Hired", "'hired', which the label"),
        ({"label": [0, 1], "said": ["yes", 0]}, "0", "'yes', which the label 'label' does not"),
        ({"label": [1, 2], "said": [0, 1]}, "2", "column 'said' holds '0', which the label"),
        ({"label": [1, None]}, None, "column 'label' has no value in 1 of 2 rows"),
        ({"said": [float("nan"), 0]}, None, "column 'said' has no value in 1 of 2 rows"),
        ({"sex": ["F", ""]}, None, r"column 'sex' has no value in 1 of 2 rows.*'unknown'"),
        ({name: [] for name in ("label", "said", "sex")}, None, "there are no rows"),
    ],
)
def test_what_means_nothing_is_refused(changes, positive, message):
    rows = {"label": [1, 0], "said": [1, 0], "sex": ["F", "M"]} | changes
    question = Question("label", "said", ("sex",), positive=positive)
    if message is None:
        assert tally(rows, question).rows == 2
        return
    with pytest.raises(DataError, match=message):
        tally(rows, question)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("positive", ["1", "2"])
def test_answers_mean_the_same_in_whatever_order_the_rows_come(size, positive):
    """Labels 1 and 2, sorted: the first batches hold one label alone."""
    labels = [1] * 6 + [2] * 6
    said = [1, 2, 2, 1, 1, 1, 2, 2, 2, 1, 2, 2]
    question = Question("label", "said", ("sex",), positive=positive)
    rows = {"label": labels, "said": said, "sex": ["F"] * 12}
    expected = count_outcomes(np.array(said) == int(positive), np.array(labels) == int(positive))
    assert tally(rows, question, size).outcomes()[None] == expected


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), "0.5"])
def test_a_threshold_is_a_finite_number(threshold):
    with pytest.raises(SettingsError, match="expected a finite number"):
        Question("label", "score", ("sex",), threshold=threshold)


def test_three_values_are_no_yes_and_no():
    rows = {"label": [1, 0, -1], "said": [1, 0, 0], "sex": list("FMF")}
    with pytest.raises(DataError, match=r"more than two values \('-1', '0', '1'\)"):
        tally(rows)


def test_a_column_of_numbers_is_no_group(monkeypatch):
    monkeypatch.setattr(counting, "MOST_GROUPS", 20)
    rows = {"label": [1, 0] * 15, "said": [1, 0] * 15, "sex": range(30)}
    with pytest.raises(DataError, match="column 'sex' holds more than 20 different values"):
        tally(rows)


def test_the_model_may_be_its_own_baseline():
    found = tally(
        {"label": [1, 0], "said": [1, 1], "sex": list("FM")},
        Question("label", "said", ("sex",), baseline="said"),
    )
    assert found.outcomes() == found.outcomes(baseline=True)


@given(st.lists(row, min_size=2, max_size=40), st.integers(1, 40), st.randoms())
def test_digests_know_the_examples_and_the_answers_again(rows, size, random):
    label, said, _, sex, _ = zip(*rows, strict=True)
    whole = tally({"label": label, "said": said, "sex": sex}, digesting=True)
    dealt = tally({"label": label, "said": said, "sex": sex}, size=size, digesting=True)
    assert dealt.fingerprints.records.digest == whole.fingerprints.records.digest
    assert dealt.fingerprints.answers == whole.fingerprints.answers
    other = list(said)
    at = random.randrange(len(other))
    other[at] = 1 - other[at]
    changed = tally({"label": label, "said": other, "sex": sex}, digesting=True)
    assert changed.fingerprints.records.digest == whole.fingerprints.records.digest
    assert changed.fingerprints.answers != whole.fingerprints.answers
    relabelled = list(label)
    relabelled[at] = 1 - relabelled[at]
    changed = tally({"label": relabelled, "said": said, "sex": sex}, digesting=True)
    assert changed.fingerprints.records.digest != whole.fingerprints.records.digest
