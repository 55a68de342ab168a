"""show, runs and explain: what a person reads, what a program reads, and the exit status."""

from __future__ import annotations

import json

import pytest

from fairgate.gate import explaining
from pipeline.results.runs import Run
from tests.pipeline import run_folders
from tests.pipeline.run_folders import BLOCKED, PASSED, words_of

# show


def test_the_newest_run_is_shown_with_the_status_that_it_had(root, said):
    status, text = said("show")
    assert status == 3
    assert f"{BLOCKED} 2026-11-22 17:00 blocked" in words_of(text)
    assert "could be as large as 0.0284 (at 95% confidence), over its limit of 0.02" in words_of(
        text
    )
    assert "Not Young baseline 1,843 920 0.8161 0.1120" in words_of(text)
    assert "constrained 0.0133 0.0284 <= 0.02 undecided" in words_of(text)
    assert f"Verdict: runs/{BLOCKED}/verdict.json" in text


def test_a_verdict_of_the_first_version_is_shown_as_far_as_it_goes(root, said):
    status, text = said("show", PASSED)
    assert status == 0
    assert "PASSED: pushed to serving/smiling/1700000000 (no longer there)" in words_of(text)
    assert "baseline unknown unknown <= 0.05" in words_of(text)


def test_the_model_is_not_said_to_be_gone_where_it_is_there(root, said):
    (root.parent / "serving" / "smiling" / "1700000000").mkdir(parents=True)
    assert "no longer there" not in said("show", PASSED)[1]


def test_the_report_is_named_where_there_is_one(root, said):
    assert "Report:" not in said("show")[1]
    (root / BLOCKED / "report.html").touch()
    assert f"Report: runs/{BLOCKED}/report.html" in said("show")[1]


def test_the_table_of_a_frontier_is_shown_again(root, said):
    name = "celeba/20261123-170000-000"
    measured = [{"expression": "max_gap(FPR, [Young])", "value": 0.08, "bound": None}]
    point = {"limit": None, "accuracy": 0.9, "measured": measured}
    frontier = {"examples": 500, "confidence": 0.95, "points": [point]}
    run_folders.write(root, name, frontier=frontier)
    status, text = said("show", name)
    assert status == 0 and "Accuracy against max_gap(FPR, [Young])" in text
    assert "unconstrained 0.9000 0.0800 -" in words_of(text) and "500 examples" in text


@pytest.mark.parametrize("command", ["show", "explain"])
@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ({}, 1, "interrupted or killed before the gate decided; nothing was pushed"),
        ({"failure": {"error": "no [data] here"}}, 1, "It failed: no [data] here"),
        ({"frontier": {"points": []}}, 0, "judges no model"),
        ({"trials": {"trials": []}}, 0, "A search for settings, which trains many times"),
    ],
)
def test_a_run_without_a_verdict_says_why(root, said, command, files, status, words):
    name = "celeba/20261123-170000-000"
    run_folders.write(root, name, **files)
    ended, text = said(command, name)
    assert ended == status and words in words_of(text) and f"Log: runs/{name}/run.log" in text
    if status == 1:
        assert f"python -m pipeline run --settings runs/{name}/settings.yaml" in text


@pytest.mark.parametrize("command", ["show", "explain"])
def test_a_run_that_goes_on_is_said_to(root, said, command):
    from pipeline.running import local

    run = Run(run_folders.write(root, "celeba/20261123-170000-000"))
    with local._only_run_in(root / "celeba", run.id):
        status, text = said(command)
    assert status == 1 and "It is going on" in text and "Again" not in text


def test_a_damaged_verdict_is_one_message(root, said):
    (root / BLOCKED / "verdict.json").write_text('{"blessed": tr')
    for command in ("show", "explain"):
        status, text = said(command)
        assert status == 2 and text.startswith("error: runs/celeba/") and "not a verdict" in text


def test_no_runs_and_unknown_runs_are_one_message(tmp_path, said):
    status, text = said("show", "--runs", str(tmp_path))
    assert status == 2 and text.startswith("error: there are no runs in")
    run_folders.write(tmp_path, PASSED, run_folders.verdict())
    status, text = said("show", "celebb", "--runs", str(tmp_path))
    assert status == 2 and "Did you mean 'celeba'?" in text


def test_the_document_of_a_run_is_its_verdict_and_its_state(root, said):
    status, text = said("show", "--json")
    document = json.loads(text)
    assert status == 3 and document["verdict"] == run_folders.blocked()
    assert document["run"]["name"] == BLOCKED and document["run"]["state"] == "blocked"
    assert document["run"]["worst"]["upper_bound"] == 0.0284


# runs


def test_runs_are_a_table_of_80_columns(root, said):
    status, text = said("runs")
    assert status == 0 and max(map(len, text.splitlines())) <= 80
    lines = [words_of(line) for line in text.splitlines()]
    at = lines.index(f"{BLOCKED} blocked 0.8660 0.0284 <= 0.02")
    assert lines[at + 1] == f"{PASSED} pushed 0.8660 0.0284 <= 0.05 gone"
    (root.parent / "serving" / "smiling" / "1700000000").mkdir(parents=True)
    assert f"{PASSED} pushed 0.8660 0.0284 <= 0.05 1700000000" in words_of(said("runs")[1])


def test_with_more_room_the_table_has_times_and_folders(root, said):
    text = words_of(said("runs", columns=130)[1])
    assert "2026-11-22 17:00" in text and "serving/smiling/1700000000 (gone)" in text


def test_every_kind_of_run_is_listed(root, said):
    run_folders.write(root, "celeba/20261123-170000-000")
    run_folders.write(root, "celeba/20261124-170000-000", frontier={})
    damaged = run_folders.write(root, "celeba/20261125-170000-000")
    (damaged / "verdict.json").write_text("{")
    status, text = said("runs", "--json")
    states = [run["state"] for run in json.loads(text)["runs"]]
    assert status == 0
    assert states == ["unreadable", "frontier", "stopped", "blocked", "pushed"]
    status, text = said("runs")
    assert status == 0 and all(state in text for state in states)


def test_of_several_constraints_the_one_nearest_to_its_limit_is_listed(root, said):
    far, near = run_folders.blocked()["gate"][0], dict(run_folders.blocked()["gate"][0])
    far |= {"constraint": "TPR >= 0.5", "limit": 0.5, "upper_bound": None, "lower_bound": 0.9}
    near |= {"limit": 0.03, "passed": True}
    run_folders.write(root, "celeba/20261123-170000-000", run_folders.verdict(gate=[far, near]))
    text = said("runs")[1]
    assert "0.0284 <= 0.03" in words_of(text) and "nearest to its limit" in text
    near |= {"upper_bound": None}
    (root / "celeba/20261123-170000-000" / "verdict.json").write_text(
        json.dumps(run_folders.verdict(gate=[far, near]))
    )
    assert "unknown <= 0.03" in words_of(
        said("runs")[1]
    )  # nothing is nearer than what nobody knows


def test_no_runs_is_an_empty_list_and_the_way_to_a_first_one(tmp_path, said):
    status, text = said("runs", "--runs", str(tmp_path))
    assert status == 0 and "Make one: python -m pipeline run" in words_of(text)
    assert json.loads(said("runs", "--runs", str(tmp_path), "--json")[1]) == {"runs": []}


# explain


def test_a_bound_over_the_limit_is_explained_with_the_counts_behind_it(root, said):
    status, text = said("explain")
    text = words_of(text)
    assert status == 3
    assert "is 0.0133 on the test split; with 95% confidence it is at most 0.0284" in text
    assert "which is 0.0084 over the limit of 0.02" in text
    assert "The measured value itself keeps the limit" in text
    assert "Young 146 of 3,218 negatives were told Yes FPR 0.0454" in text
    assert "Not Young 54 of 920 negatives were told Yes FPR 0.0587" in text
    assert "about 1,200 more negatives of [Not Young]" in text
    assert (
        f"python -m pipeline run --settings runs/{BLOCKED}/settings.yaml --set data.stand_in"
        in text
    )
    assert "frontier" not in text  # the model need not change


@pytest.mark.parametrize(
    ("opposite", "said_of_it"),
    [
        (0.01, "though so few examples do not show that the true one does"),
        (
            0.021,
            "Even the bound on the other side, 0.0210, breaks the limit: the model must change.",
        ),
    ],
)
def test_a_value_over_the_limit_asks_for_another_model(root, said, opposite, said_of_it):
    row = run_folders.blocked()["gate"][0]
    row |= {"value": 0.03, "upper_bound": 0.05, "opposite_bound": opposite}
    outcome = "over the limit" if opposite > 0.02 else "undecided"
    run_folders.write(
        root, "celeba/20261123-170000-000", run_folders.blocked(gate=[row], outcome=outcome)
    )
    text = words_of(said("explain")[1])
    assert said_of_it in text and f"<= 0.02 {outcome} " in text
    assert f" {outcome.capitalize()}: " in text
    assert "pipeline frontier --settings runs/celeba/20261123-170000-000/settings.yaml" in text


def test_what_else_blocked_is_said_apart_from_what_is_kept(root, said):
    reason = (
        "accuracy 0.8591, at least 0.8525 at 95% confidence, is under gate.minimum_accuracy = 0.9"
    )
    tree = run_folders.blocked()
    checks = [tree["checks"][1], run_folders.check("accuracy", 0.8591, 0.8525, 0.9, reason)]
    run_folders.write(
        root,
        "celeba/20261123-170000-000",
        run_folders.blocked(reasons=[reason, *tree["reasons"]], checks=checks),
    )
    text = words_of(said("explain")[1])
    also, kept = text.index("It was also blocked, because"), text.index("and the model keeps")
    assert (
        also < text.index(reason) < kept < text.index("negatives of [Not Young]: 920, at least 100")
    )
    assert "accuracy: " not in text


@pytest.mark.parametrize("command", ["show", "explain"])
def test_what_a_group_paid_is_told(root, said, command):
    rose = "the false negative rate of Not Young rose from 0.2557 to 0.3131, by 0.0574"
    run_folders.write(root, "celeba/20261123-170000-000", run_folders.blocked(cost=[rose]))
    text = words_of(said(command)[1])
    assert "What it cost" in text and f"Next to the baseline {rose}." in text
    assert "What it cost" not in words_of(said(command, PASSED)[1])


def test_a_pass_is_explained_too_and_leads_to_serving(root, said):
    status, text = said("explain", PASSED)
    text = words_of(text)
    assert status == 0 and "which is 0.0216 within the limit of 0.05" in text
    assert f"run --settings runs/{PASSED}/settings.yaml pushes the model again" in text
    (root.parent / "serving" / "smiling" / "1700000000").mkdir(parents=True)
    text = words_of(said("explain", PASSED)[1])
    assert "pipeline predict FOLDER --model serving/smiling/1700000000" in text
    assert "What would help" not in text


def test_a_run_without_a_solution_is_shown_explained_listed_and_compared(root, said):
    nobody = {"examples": 0, "negatives": 0, "accuracy": None, "fpr": None, "fnr": None}
    tree = run_folders.blocked(
        gate=[],
        models={"constrained": nobody | {"groups": {"Young": nobody, "Not Young": nobody}}},
        reasons=["no solution was found: every model is of no use"],
        attempt=None,
        outcome="no solution found",
        advice=["Inputs that tell more about the label would help."],
        validation={"told": ["Chosen: the baseline."], "yardsticks": []},
    )
    name = "celeba/20261123-170000-000"
    run_folders.write(root, name, tree, ("data.path=mine",))
    for command in ("show", "explain"):
        status, text = said(command)
        text = words_of(text)
        assert status == 3
        assert "No solution was found: every model is of no use, so nothing was pushed." in text
        assert "Inputs that tell more about the label would help." in text
        assert "on the test split" not in text and "also blocked" not in text
    assert f"run --settings runs/{name}/settings.yaml --set data.path=FOLDER" in text
    assert "columns that tell more about the label" in text and "frontier" not in text
    status, text = said("runs")
    assert status == 0 and "blocked" in text
    status, text = said("compare", BLOCKED, name)
    assert status == 0 and "not asked" in text
    document = json.loads(said("show", "--json")[1])
    assert document["verdict"]["validation"]["told"] == ["Chosen: the baseline."]


def test_new_data_is_as_much_as_the_advice_says(root, said):
    advice = ["x <= 0.02 would pass with about 900 more negatives of [Young] (1.53 times as many)."]
    run_folders.write(root, "celeba/20261123-170000-000", run_folders.blocked(advice=advice))
    text = words_of(said("explain")[1])
    assert "--set data.stand_in.images=123000 --set data.stand_in.seed=1" in text
    run_folders.write(
        root, "celeba/20261124-170000-000", run_folders.blocked(), ("data.path=data/mine",)
    )
    assert "--set data.path=FOLDER" in said("explain")[1]


def test_a_constraint_that_could_not_be_measured_is_explained(root, said):
    row = run_folders.blocked()["gate"][0] | {"value": None, "upper_bound": None}
    run_folders.write(root, "celeba/20261123-170000-000", run_folders.blocked(gate=[row]))
    status, text = said("explain")
    assert status == 3 and "could not be measured" in words_of(text)
    row |= {"value": 0.01}
    (root / "celeba/20261123-170000-000" / "verdict.json").write_text(
        json.dumps(run_folders.blocked(gate=[row]))
    )
    assert "nothing can be promised of it at 95% confidence" in words_of(said("explain")[1])


FEATURES = {"Young": ["Young", "Not Young"], "Hat": ["Hat", "Other"], "Hair": ["Dark", "Other"]}


@pytest.mark.parametrize(
    ("constraint", "counted"),
    [
        ("max_gap(FPR, [Young]) <= 0.1", ["Young FPR 2/10", "Not Young FPR 1/20"]),
        ("FPR | [Young] <= 0.1", ["Young FPR 2/10"]),
        ("TPR | [Young] >= 0.1", ["Young TPR 7/10"]),
        ("TNR >= 0.1", ["everybody TNR 27/30"]),
        ("ACC >= 0.1", ["everybody ACC 52/60"]),
        ("ERR <= 0.1", ["everybody ERR 8/60"]),
        ("PPR <= 0.1", ["everybody PPR 28/60"]),
        ("NPR <= 0.1", ["everybody NPR 32/60"]),
        ("FNR <= 0.1", ["everybody FNR 5/30"]),
        ("PPV >= 0.1", ["everybody PPV 25/28"]),
        ("FDR <= 0.1", ["everybody FDR 3/28"]),
        ("NPV >= 0.1", ["everybody NPV 27/32"]),
        ("FOR <= 0.1", ["everybody FOR 5/32"]),
        (
            "abs(FPR | [Young] - FPR | [Young=Not Young]) <= 0.02",
            ["Young FPR 2/10", "Not Young FPR 1/20"],
        ),
        ("FPR | [Hat=Other] <= 0.1", ["Hat=Other FPR 1/4"]),
        ("max_gap(FPR, [Hair]) <= 0.1", ["Hair=Other FPR 2/4"]),
        ("F1 >= 0.5", []),
    ],
)
def test_counts_are_those_of_the_rates_that_a_constraint_names(constraint, counted, tmp_path):
    row = run_folders.blocked()["gate"][0] | {"constraint": constraint}
    model = run_folders.model(Young=(10, 10, 2, 3), Not_Young=(20, 20, 1, 2))
    model["groups"]["Hat=Other"] = run_folders.group(4, 4, 1, 0)
    model["groups"]["Hair=Other"] = run_folders.group(4, 4, 2, 0)
    models = {"constrained": model, "baseline": model}
    verdict = Run(
        run_folders.write(tmp_path, BLOCKED, run_folders.blocked(gate=[row], models=models))
    ).verdict
    found = explaining.counts(verdict.gate[0], verdict, FEATURES)
    assert [f"{c.group} {c.rate} {c.part}/{c.whole}" for c in found] == counted


def test_the_explanation_as_a_document_has_the_same(root, said):
    document = json.loads(said("explain", "--json")[1])
    [constraint] = document["explanation"]["constraints"]
    assert constraint["counts"][1] == {
        "group": "Not Young",
        "rate": "FPR",
        "part": 54,
        "whole": 920,
        "what": "negatives were told Yes",
    }
    assert document["explanation"]["next"][0]["command"].startswith("python -m pipeline run")
