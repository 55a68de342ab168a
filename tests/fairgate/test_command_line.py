"""`fairgate judge` and `fairgate power`: exit statuses, documents, pages, and mistakes in words."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from fairgate.command_line import main

GAP = "max_gap(FPR, [sex]) <= 0.1"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Predictions of a fair model and of an unfair one."""
    rng = np.random.default_rng(0)
    file = tmp_path_factory.mktemp("predictions") / "rows.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["hired", "said_yes", "unfair", "score", "sex", "race"])
        for _ in range(3000):
            hired, sex = rng.random() < 0.4, rng.choice(["Female", "Male"])
            score = np.clip(rng.normal(0.25 + 0.5 * hired, 0.2), 0, 1)
            unfair = score > (0.5 if sex == "Male" else 0.3)
            row = [int(hired), int(score > 0.5), int(unfair), f"{score:.4f}", sex]
            writer.writerow([*row, rng.choice(["A", "B"])])
    return file


def command(table, *options: str, prediction: str = "said_yes", constraint: str = GAP) -> list[str]:
    asked = ["--label", "hired", "--prediction", prediction, "--group", "sex"]
    return ["judge", str(table), *asked, "--constraint", constraint, *options]


def test_a_fair_model_passes(table, capsys):
    assert main(command(table)) == 0
    said = capsys.readouterr().out
    assert "PASSED: the model may be served" in said and "Female" in said


def test_an_unfair_model_is_blocked(table, capsys):
    assert main(command(table, prediction="unfair")) == 3
    said = capsys.readouterr().out
    assert "BLOCKED: the model should not be served, because" in said
    assert "What would help" in said


def test_json_is_one_document(table, capsys):
    assert main(command(table, "--json", "--baseline", "unfair")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["blessed"] is True and document["files"] == [str(table)]
    [row] = document["gate"]
    assert row["constraint"] == GAP and row["value"] < row["upper_bound"] <= row["limit"] == 0.1
    assert set(document["models"]) == {"model", "baseline"}
    assert document["models"]["model"]["groups"]["Female"]["negatives"] > 500
    assert row["baseline_value"] > 0.1


def test_scores_are_decided_by_the_threshold(table, capsys):
    main(command(table, "--json"))
    decided = json.loads(capsys.readouterr().out)
    main(command(table, "--json", "--threshold", "0.5", prediction="score"))
    assert json.loads(capsys.readouterr().out)["models"] == decided["models"]


def test_the_verdict_and_the_page_are_written(table, tmp_path, capsys):
    verdict, report = tmp_path / "verdict.json", tmp_path / "report.html"
    options = ["--verdict", str(verdict), "--report", str(report), "--name", "candidate 7"]
    assert main(command(table, *options, prediction="unfair")) == 3
    assert json.loads(verdict.read_text())["blessed"] is False
    page = report.read_text()
    assert "candidate 7" in page and "Blocked" in page and "column unfair" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "verdict.json"]


def test_a_ledger_refuses_the_next_model_in_words_of_the_command_line(table, tmp_path, capsys):
    book = ["--ledger", str(tmp_path / "ledger"), "--name", "first"]
    assert main(command(table, *book)) == 0
    assert main(command(table, *book)) == 0
    capsys.readouterr()
    assert main(command(table, *book, prediction="unfair")) == 1
    said = capsys.readouterr().err
    assert "--attempts = 1" in said and "--confidence" in said and "gate." not in said
    assert "run first" in said and "data.splits" not in said


def test_a_sealed_block_shows_no_figures_until_it_is_unsealed(table, tmp_path, capsys):
    written = [tmp_path / "verdict.json", tmp_path / "report.html"]
    files = ["--verdict", str(written[0]), "--report", str(written[1])]
    book = ["--ledger", str(tmp_path / "ledger"), "--attempts", "3"]
    assert main(command(table, *book, *files, prediction="unfair")) == 3
    sealed = capsys.readouterr().out + "".join(file.read_text() for file in written)
    assert "attempt 1 of 3 was blocked" in " ".join(sealed.split())
    assert main(command(table, *book, *files, "--unseal", prediction="unfair")) == 3
    shown = json.loads(written[0].read_text())
    row, model = shown["gate"][0], shown["models"]["model"]
    for figure in (row["value"], row["upper_bound"], model["fpr"], model["fnr"], model["accuracy"]):
        assert f"{figure:.4f}" in written[1].read_text()
        assert f"{figure:.4f}" not in sealed and f"{figure:.3f}" not in sealed
    assert main(command(table, *book)) == 1
    assert "ended to see the figures" in " ".join(capsys.readouterr().err.split())


def test_options_are_named_in_reasons(table, capsys):
    assert main(command(table, "--minimum-accuracy", "0.99", "--json")) == 3
    [reason] = json.loads(capsys.readouterr().out)["reasons"]
    assert "under --minimum-accuracy = 0.99" in reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"constraint": "max_gap(FRP, [sex]) <= 0.1"}, "did you mean 'FPR'"),
        ({"constraint": "FPR | [female] <= 0.1"}, "'[Female]'"),
        ({"prediction": "said"}, "no column 'said'; did you mean"),
        ({"prediction": "score"}, "--threshold NUMBER"),
        ({"prediction": "race"}, "--positive VALUE"),
        ({"options": ["--positive", "hired"]}, "never holds 'hired'"),
        ({"options": ["--confidence", "1"]}, "confidence = 1.0"),
        ({"options": ["--report", "/no/such/folder/report.html"]}, "there is no folder"),
        ({"options": ["--report", "/"]}, "this is a folder"),
        ({"options": ["--attempts", "3"]}, "give --ledger FOLDER too"),
        ({"options": ["--unseal"]}, "give --ledger FOLDER too"),
        ({"options": ["--record", "sax"]}, "no column 'sax'"),
        ({"options": ["--ledger", "x", "--attempts", "0"]}, "attempts"),
        ({"options": ["--threshold", "nan"]}, "expected a finite number"),
        ({"options": ["--ledger", "/dev/null"]}, "ledger /dev/null: cannot be used"),
        ({"file": "no.csv"}, "no.csv: cannot be read: No such file"),
    ],
)
def test_what_cannot_be_judged_is_status_1_and_one_message(table, change, message, capsys):
    options = change.pop("options", [])
    assert main(command(change.pop("file", table), *options, **change)) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and message in captured.err
    assert captured.out == "" and "Traceback" not in captured.err


def test_a_file_given_twice_is_not_counted_twice(table, capsys):
    arguments = command(table)
    assert main([arguments[0], str(table), *arguments[1:]]) == 1
    assert "is given twice" in capsys.readouterr().err


def test_power_of_counts_and_of_examples_agree(table, tmp_path, capsys):
    with table.open() as stream:
        rows = list(csv.DictReader(stream))
    counts = tmp_path / "counts.csv"
    lines = ["feature,group,negatives,positives"]
    for sex in ("Female", "Male"):
        hired = [int(row["hired"]) for row in rows if row["sex"] == sex]
        lines.append(f"sex,{sex},{len(hired) - sum(hired)},{sum(hired)}")
    counts.write_text("\n".join(lines))
    asked = ["--constraint", GAP, "--json"]
    assert main(["power", str(counts), *asked]) == 0
    of_counts = json.loads(capsys.readouterr().out)
    assert main(["power", str(table), "--label", "hired", "--group", "sex", *asked]) == 0
    assert json.loads(capsys.readouterr().out) == of_counts
    [promise] = of_counts["promises"]
    assert [each["share"] for each in promise["limits"]] == [0.02, 0.05, 0.1]
    assert main(["power", str(counts), *asked[:-1]]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "5% of every group" in said
    # A file of anybody's is no split of a run.
    assert ": the test examples have" in said and "split" not in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("feature,group,negatives\nsex,F,3\n", "no column 'positives'"),
        ("feature,group,negatives,positives\nsex,F,-3,4\n", "row 1 is no feature, group"),
        ("feature,group,negatives,positives\nsex,F,3.5,4\n", "row 1 is no feature, group"),
        ("feature,group,negatives,positives\nsex,,3,4\n", "row 1 is no feature, group"),
        ("feature,group,negatives,positives\nsex,F,3,4\nsex,F,3,4\n", "gives [sex=F] again"),
        ("feature,group,negatives,positives\nsex,F,many,4\n", "holds 'many'"),
    ],
)
def test_a_damaged_table_of_counts_is_named(content, message, tmp_path, capsys):
    file = tmp_path / "counts.csv"
    file.write_text(content)
    assert main(["power", str(file), "--constraint", GAP]) == 1
    assert message in capsys.readouterr().err


def test_label_and_group_go_together(table, capsys):
    assert main(["power", str(table), "--label", "hired", "--constraint", GAP]) == 1
    assert "--label and --group go together" in capsys.readouterr().err


def test_the_bare_command_shows_help_and_the_version_is_told(capsys):
    assert main([]) == 0
    assert "judge any model by its predictions" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out.startswith("fairgate 0.")


def test_a_misspelt_command_gets_a_suggestion(capsys):
    with pytest.raises(SystemExit) as end:
        main(["jugde"])
    assert end.value.code == 2 and "did you mean 'judge'?" in capsys.readouterr().err


def test_help_loads_nothing_that_it_could_do_without():
    program = (
        "import sys\n"
        "from fairgate.command_line import main\n"
        "try: main(['judge', '--help'])\n"
        "except SystemExit: pass\n"
        "print([n for n in ('numpy', 'scipy', 'rich', 'pydantic', 'jinja2') if n in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "[]", ended.stderr


def test_judging_loads_no_tensorflow(table):
    program = (
        "import sys\n"
        "from fairgate.command_line import main\n"
        f"main({command(table)!r})\n"
        "print([n for n in ('tensorflow', 'tfx', 'pandas', 'matplotlib') if n in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "[]", ended.stderr
