"""Several models on the same test examples: what a ledger counts, and what it seals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fairgate
from fairgate import api
from fairgate.constraints import ConstraintError
from fairgate.errors import DataError
from fairgate.gate.attempts import Attempt, AttemptsUsedUp
from fairgate.report import judgement_page
from tests.fairgate.gate.test_journal import as_earlier_versions_wrote_it
from tests.fairgate.people import GAP, People, figures, judge


def test_a_ledger_shares_the_promise(tmp_path):
    first, second = People(), People()
    second.said = 1 - second.said
    once = judge(first, ledger=tmp_path)
    assert once.attempt.number == 1 and once.gate[0].confidence == 0.95
    assert judge(first, ledger=tmp_path) == once  # the same model again costs nothing
    with pytest.raises(AttemptsUsedUp, match="1 model was judged on these test examples already"):
        judge(second, ledger=tmp_path)
    others = People(seed=1)
    assert judge(others, ledger=tmp_path).attempt.number == 1  # other examples, another page


def test_several_attempts_are_each_judged_at_their_share(tmp_path):
    unfair, people = People(gap=0.4), People()
    book = api.Ledger(tmp_path, attempts=5, name="candidate 7")
    assert judge(unfair, ledger=book).sealed
    found = judge(people, ledger=book)
    assert found.attempt.number == 2 and found.blessed
    assert found.gate[0].confidence == pytest.approx(0.99)
    assert found.gate[0].upper_bound > judge(people).gate[0].upper_bound
    # The pass has ended the series, and the block of before is shown.
    again = judge(unfair, ledger=book)
    assert not again.sealed and again.gate[0].value > 0.3 and again.attempt.number == 1


def test_a_sealed_judgement_tells_that_it_was_blocked_and_no_figures(tmp_path):
    people = People(gap=0.4)
    open_one = judge(people, baseline=1 - people.said)
    sealed = judge(people, baseline=1 - people.said, ledger=api.Ledger(tmp_path, attempts=3))
    assert sealed.sealed and not sealed.blessed and len(figures(open_one)) == 11
    told = f"{sealed!r} {sealed} {sealed.as_document()} {judgement_page(sealed, 'candidate')}"
    assert "attempt 1 of 3 was blocked" in told and "the promise would not hold" in told
    # Not even a digit of a chart: what is drawn is told in words beside it.
    page = judgement_page(open_one, "candidate")
    for figure in figures(open_one):
        assert figure in page
        assert figure not in told and figure[:-1] not in told
    assert (sealed.outcomes.examples, sealed.outcomes.negatives) == (
        open_one.outcomes.examples,
        open_one.outcomes.negatives,
    )


def test_a_judgement_cannot_be_sealed_and_hold_figures():
    people = People(gap=0.4)
    found = judge(people)
    sealed = replace(found, attempt=Attempt(1, 2, 0.975, 0.05, "", sealed=True))
    assert sealed.gate == [] and sealed.outcomes.fpr is None
    assert replace(sealed, warnings=["a warning"]).gate == []
    with pytest.raises(AssertionError):
        replace(judge(People()), attempt=sealed.attempt)


def test_a_ledger_is_unsealed_for_good(tmp_path):
    people, others = People(gap=0.4), People(gap=0.3)
    book = api.Ledger(tmp_path, attempts=3)
    book.unseal(judge(people, ledger=book))
    assert judge(people, ledger=book).gate[0].value > 0.3
    with pytest.raises(AttemptsUsedUp, match="ended to see the figures of these test examples"):
        judge(others, ledger=book)
    with pytest.raises(DataError, match="counted in no ledger"):
        book.unseal(judge(people))


@pytest.mark.parametrize("named", [False, True])
def test_one_example_more_or_less_is_the_same_test_data(tmp_path, named):
    people, more = People(gap=0.4), People(2001, gap=0.4)
    names = [f"person {i}" for i in range(2001)]
    judge(people, ledger=tmp_path, records=names[:2000] if named else None)
    more.labels[:2000], more.sex[:2000] = people.labels, people.sex
    order = np.random.default_rng(0).permutation(2001) if named else np.arange(2001)
    for rows in (order, order[order < 1990]):
        with pytest.raises(AttemptsUsedUp, match="records in common"):
            fairgate.judge(
                more.labels[rows],
                more.said[rows],
                groups={"sex": more.sex[rows]},
                constraints=GAP,
                ledger=tmp_path,
                records=np.array(names)[rows] if named else None,
            )


def test_other_groups_of_the_same_examples_are_the_same_test_data(tmp_path):
    people = People()
    judge(people, ledger=tmp_path)
    groups = {"sex": people.sex, "half": np.arange(2000) % 2}
    with pytest.raises(AttemptsUsedUp):
        judge(people, ledger=tmp_path, groups=groups)


def test_a_misspelt_constraint_costs_no_attempt(tmp_path):
    with pytest.raises(ConstraintError):
        judge(People(), ledger=tmp_path, constraints="FPR | [nobody] <= 0.1")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_an_earlier_version_is_said_to_be_held_from_now_on(tmp_path):
    unfair, people = People(gap=0.4), People()
    book = api.Ledger(tmp_path, attempts=5)
    assert judge(unfair, ledger=book).warnings == []
    as_earlier_versions_wrote_it(tmp_path)
    [said] = judge(people, ledger=book).warnings
    assert f"{tmp_path}: 1 of 1 entries were written by a version of FairGate" in said
    assert judge(people, ledger=book).warnings == []
