"""`fairgate monitor`: a log that grows, restarts, alarms, exit statuses, mistakes in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fairgate.command_line import main

GAP = "max_gap(FPR, [sex]) <= 0.05"
SOURCES = Path(__file__).parents[2] / "src"


def rows(number: int, gap: float, seed: int = 0) -> list[str]:
    """FPR .1 of Female and .1 + gap of Male; FNR .1 of both."""
    random = np.random.default_rng(seed)
    sex = random.choice(["Female", "Male"], number)
    hired = random.random(number) < 0.4
    yes = np.where(hired, 0.9, np.where(sex == "Male", 0.1 + gap, 0.1))
    said = random.random(number) < yes
    return [f"{int(y)},{int(p)},{s}\n" for y, p, s in zip(hired, said, sex, strict=True)]


def log(file: Path, lines: list[str]) -> Path:
    file.write_text("hired,said_yes,sex\n" + "".join(lines))
    return file


def command(file, *options: str) -> list[str]:
    columns = ["--label", "hired", "--prediction", "said_yes", "--group", "sex=Female,Male"]
    return ["monitor", str(file), *columns, "--constraint", GAP, *options]


@pytest.fixture
def broken(tmp_path):
    return log(tmp_path / "broken.csv", rows(4000, 0.2))


@pytest.fixture
def kept(tmp_path):
    return log(tmp_path / "kept.csv", rows(4000, 0.0))


def test_a_limit_that_is_kept_ends_with_status_0(kept, capsys):
    assert main(command(kept)) == 0
    said = capsys.readouterr().out
    assert "After 4,000 records nothing shows that a limit is broken" in said


def test_a_limit_that_is_shown_broken_ends_with_status_3(broken, tmp_path, capsys):
    events, picture = tmp_path / "events.jsonl", tmp_path / "over_time.html"
    assert main(command(broken, "--events", str(events), "--picture", str(picture))) == 3
    said = capsys.readouterr().out
    assert f"ALARM: {GAP} is shown broken by record " in said
    assert "with 95% confidence it was at least 0.05" in " ".join(said.split())
    [event] = map(json.loads, events.read_text().splitlines())
    assert event["event"] == "alarm" and event["constraint"] == GAP
    assert event["e_value"] >= event["needed"] == 20 and event["bound"] >= 0.05
    page = picture.read_text()
    assert page.count('<svg class="chart"') == 2 and "Evidence that the promise is broken" in page
    assert "://" not in page and "The promise is broken." in page


def test_json_is_one_document(broken, capsys):
    assert main(command(broken, "--json")) == 3
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["broken"] is True and document["records"] == 4000
    [row] = document["constraints"]
    assert row["constraint"] == GAP and row["alarm"]["record"] < 4000 and "ALARM" in printed.err


def test_a_log_is_read_on_and_what_was_asked_need_not_be_said_again(kept, tmp_path, capsys):
    state = tmp_path / "state.json"
    assert main(command(kept, "--state", str(state), "--json")) == 0
    with kept.open("a") as stream:
        stream.writelines(rows(3000, 0.3, seed=1))
    assert main(["monitor", str(kept), "--state", str(state), "--json"]) == 3
    capsys.readouterr()
    assert main(["monitor", str(kept), "--state", str(state), "--json"]) == 3  # it is remembered
    assert json.loads(capsys.readouterr().out)["records"] == 7000

    whole = tmp_path / "whole.json"
    assert main(command(kept, "--state", str(whole))) == 3
    one, other = (json.loads(file.read_text()) for file in (state, whole))
    assert one == other


def test_one_state_watches_one_log_after_another_and_none_of_them_twice(tmp_path, capsys):
    state = str(tmp_path / "state.json")
    months = [log(tmp_path / f"{n}.csv", rows(1000, 0, seed=n)) for n in range(2)]
    for file, records in zip([*months, months[0]], (1000, 2000, 2000), strict=True):
        assert main(command(file, "--state", state, "--json")) == 0
        assert json.loads(capsys.readouterr().out)["records"] == records


def test_a_last_line_that_is_being_written_waits_where_there_is_a_state(tmp_path, capsys):
    file = log(tmp_path / "log.csv", ["1,1,Male\n", "1,1,Fem"])
    state = str(tmp_path / "state.json")
    assert main(command(file, "--state", state, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 1
    with file.open("a") as stream:
        stream.write("ale\n")
    assert main(command(file, "--state", state, "--json")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["records"] == 2 and not document["left_out"]
    file.write_text(file.read_text().rstrip("\n"))
    assert main(command(file, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 2


def test_rows_that_cannot_count_are_said_and_counted(tmp_path, capsys):
    bad = [
        "1,,Male\n",
        ",1,Male\n",
        "1,1,\n",
        "1,1,Other\n",
        "maybe,1,Male\n",
        "1\n",
        '"1,1,Male\n',
    ]
    file = log(tmp_path / "log.csv", [*rows(50, 0), *bad, *rows(50, 0, seed=1)])
    assert main(command(file, "--json")) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["records"] == 100
    assert document["left_out"] == {
        "no prediction": 1,
        "no label": 1,
        "no group": 1,
        "a group that is not watched": 1,
        "a value without a meaning": 1,
        "a line that is no row": 2,
    }
    assert "the label holds 'maybe'" in printed.err and "line 57" in printed.err


def test_a_log_of_which_nothing_counts_is_no_success(tmp_path, capsys):
    file = log(tmp_path / "log.csv", ["maybe,1,Male\n"] * 30)
    assert main(command(file)) == 1
    assert "none of 30 rows could be counted" in capsys.readouterr().err


def test_groups_that_nobody_named_are_those_of_the_file(kept, capsys):
    asked = ["monitor", str(kept), "--label", "hired", "--prediction", "said_yes", "--group", "sex"]
    assert main([*asked, "--constraint", GAP]) == 0
    assert "the groups of sex that" in capsys.readouterr().err


def test_constraints_and_groups_come_from_a_judgement(kept, tmp_path, capsys):
    verdict = tmp_path / "verdict.json"
    columns = ["--label", "hired", "--prediction", "said_yes"]
    asked = [*columns, "--group", "sex", "--constraint", "max_gap(FPR, [sex]) <= 0.2"]
    assert main(["judge", str(kept), *asked, "--verdict", str(verdict)]) == 0
    capsys.readouterr()
    assert main(["monitor", str(kept), *columns, "--judged", str(verdict), "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["constraints"]
    assert row["limit"] == 0.2
    verdict.write_text("{}")
    assert main(["monitor", str(kept), *columns, "--judged", str(verdict)]) == 1
    assert "no judgement" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, said",
    [
        ([], "--label COLUMN is needed"),
        (["--label", "hired", "--prediction", "said_yes"], "--constraint LINE is needed"),
        (["--label", "hires", "--prediction", "said_yes", "--constraint", "FPR <= 0.1"], "'hired'"),
        (
            [
                "--label",
                "hired",
                "--prediction",
                "said_yes",
                "--constraint",
                "min(FPR, FNR) <= 0.1",
            ],
            "cannot be watched",
        ),
    ],
)
def test_mistakes_are_said_in_words(kept, options, said, capsys):
    assert main(["monitor", str(kept), *options]) == 1
    assert said in capsys.readouterr().err


def test_a_state_of_another_column_or_question_is_refused(kept, tmp_path, capsys):
    state = str(tmp_path / "state.json")
    assert main(command(kept, "--state", state)) == 0
    assert main(["monitor", str(kept), "--state", state, "--label", "sex"]) == 1
    assert main(["monitor", str(kept), "--state", state, "--confidence", "0.9"]) == 1
    said = capsys.readouterr().err
    assert "of the column 'hired' as --label" in said and "confidence = 0.95 there" in said


def started(*options: str, **more) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fairgate.command_line", *options],
        env=os.environ | {"PYTHONPATH": str(SOURCES), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def until(state: Path, records: int, process: subprocess.Popen[str]) -> None:
    """Waits until so many records have been seen."""
    for _ in range(600):
        if state.exists() and json.loads(state.read_text())["records"] >= records:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError(f"never saw {records} records")


@pytest.mark.slow
def test_a_log_is_followed_through_a_rotation_a_kill_and_a_cut_until_it_shows_a_break(tmp_path):
    file, state = log(tmp_path / "log.csv", rows(500, 0)), tmp_path / "state.json"
    asked = command(file, "--state", str(state), "--follow")
    process = started(*asked)
    try:
        until(state, 500, process)
        with file.open("a") as stream:
            stream.writelines(rows(100, 0, seed=1))
        os.rename(file, tmp_path / "log.csv.1")
        log(file, rows(200, 0, seed=2))
        until(state, 800, process)
        process.kill()
        process.communicate()

        with file.open("a") as stream:
            stream.writelines(rows(50, 0, seed=3))
        process = started(*asked)
        until(state, 850, process)
        with file.open("r+") as stream:
            stream.truncate(0)
            stream.write("sex,hired,said_yes\n")  # in another order: it has a header of its own
            stream.writelines(
                "{2},{0},{1}\n".format(*row.strip().split(",")) for row in rows(3000, 0.4, seed=4)
            )
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 3 and "ALARM" in out and "is another file now" in err
    # The same records in one go come to the same.
    parts = [(500, 0, 0), (100, 0, 1), (200, 0, 2), (50, 0, 3), (3000, 0.4, 4)]
    whole = log(tmp_path / "whole.csv", [row for part in parts for row in rows(*part)])
    other = tmp_path / "other.json"
    assert main(command(whole, "--state", str(other))) == 3
    one, two = (json.loads(each.read_text()) for each in (state, other))
    for document in (one, two):
        del document["source"], document["digest"]
    assert one == two


@pytest.mark.slow
def test_standard_input_is_watched_as_it_comes():
    process = started(*command("-"), stdin=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("hired,said_yes,sex\n" + "".join(rows(3000, 0.4)))
    process.stdin.flush()
    assert process.stdout.readline().startswith("ALARM")  # while the input goes on
    out, _ = process.communicate(input="".join(rows(10, 0)), timeout=60)
    assert process.returncode == 3 and "The promise is broken" in out


def test_groups_of_standard_input_have_to_be_named(capsys):
    asked = ["monitor", "-", "--label", "a", "--prediction", "b", "--group", "sex"]
    assert main([*asked, "--constraint", GAP]) == 1
    assert "--group sex=Female,Male" in capsys.readouterr().err
