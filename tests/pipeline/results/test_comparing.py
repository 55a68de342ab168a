"""compare, and what is shown of sealed runs."""

from __future__ import annotations

import json

import pytest

from tests.pipeline import run_folders
from tests.pipeline.run_folders import BLOCKED, PASSED, words_of


def test_two_runs_are_shown_side_by_side(root, said):
    status, text = said("compare", PASSED, BLOCKED)
    text = words_of(text)
    assert status == 0 and f"A {PASSED} pushed B {BLOCKED} blocked" in text
    assert "gate.limit (none) 0.02" in text
    assert "A 0.0133 0.0284 95% <= 0.05 passed B 0.0133 0.0284 95% <= 0.02 undecided" in text
    assert "Not Young A 1,843 920" in text
    assert "Data test: not known of both" in text


def test_equal_and_different_data_are_told_apart(root, said):
    digests = {"data, train split": "1", "data, test split": "2", "code": "x", "settings": "s"}
    for number, (train, test, code) in enumerate([("1", "a", "x"), ("1", "b", "y")]):
        tree = run_folders.blocked()
        tree["attempt"]["test_digest"] = test
        versions = digests | {"data, train split": train, "code": code, "settings": str(number)}
        run_folders.write(root, f"adult/{number}", tree, versions=versions)
    text = words_of(said("compare", "adult/0", "adult/1")[1])
    assert "All settings are equal." in text
    assert "Data train: equal; test: different" in text
    assert "Also different code (x -> y)" in text and "settings (" not in text
    versions = json.loads(said("compare", "adult/0", "adult/1", "--json")[1])["versions"]
    assert versions["data, test split"] == {"values": ["a", "b"], "equal": False}


def test_a_constraint_that_one_run_did_not_ask_is_said_to_be(root, said):
    row = run_folders.blocked()["gate"][0] | {"constraint": "FPR | [Young] <= 0.3"}
    run_folders.write(root, "celeba/20261123-170000-000", run_folders.blocked(gate=[row]))
    text = words_of(said("compare", BLOCKED, "celeba/20261123-170000-000")[1])
    assert "Gate: FPR | [Young]" in text and "A not asked B 0.0133" in text


def test_a_run_without_a_verdict_is_compared_by_its_settings(root, said):
    run_folders.write(root, "celeba/20261123-170000-000", None, ("trainer.steps=70",))
    status, text = said("compare", BLOCKED, "celeba/20261123-170000-000")
    assert status == 0 and "trainer.steps auto 70" in words_of(text) and "stopped" in text
    assert "constrained models" in text  # of the other one


# a sealed test split


@pytest.mark.parametrize("command", ["show", "explain", "compare", "runs"])
@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_of_a_sealed_run_figures_are_of_the_validation_split(root, said, command, json_too):
    name = "celeba/20261123-170000-000"
    run_folders.write(root, name, run_folders.sealed())
    runs = {"compare": (name, name), "runs": ()}.get(command, (name,))
    status, text = said(command, *runs, *json_too, columns=200)
    assert status == (3 if command in ("show", "explain") else 0)
    of_sealed = text if command != "runs" else text[: text.index(BLOCKED)]
    for figure in ("0.0133", "0.0284", "0.0775", "0.0963", "0.1120", "0.0454", "0.8161"):
        assert figure not in of_sealed and f"{figure.rstrip('0')}" not in of_sealed
    assert "seal" in of_sealed and "blocked" in of_sealed
    if command != "runs":
        assert "0.0161" in text and "0.0411" in text and "validation" in text


def test_a_sealed_block_is_explained_with_the_way_to_unseal_it(root, said):
    name = "celeba/20261123-170000-000"
    run_folders.write(root, name, run_folders.sealed())
    text = words_of(said("explain", name)[1])
    assert "is 0.0161 on the validation split" in text
    assert "attempt 1 of 3 was blocked" in text and f"unseal {name}" in text
    assert "If the rates are those of the validation split: Take more." in text


def test_runs_of_sealed_and_open_splits_are_told_apart(root, said):
    name = "celeba/20261123-170000-000"
    run_folders.write(root, name, run_folders.sealed())
    text = words_of(said("compare", PASSED, name, columns=200)[1])
    assert "The test split of B is sealed: its figures are of the validation split." in text
    assert "A, on the test split 0.0133" in text and "B, on the validation split 0.0161" in text


def test_what_is_not_sealed_cannot_be_unsealed(root, said):
    status, text = said("unseal", BLOCKED)
    assert status == 2 and "nothing is sealed in this run" in text
