"""The kill drill: it kills where it says, and what it looks for it finds where it is planted."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.drill import checks, kills, victim
from benchmarks.drill.checks import Found, Watcher
from benchmarks.drill.drill import Drill, Victim
from benchmarks.drill.kills import Kill
from benchmarks.drill.parts import Candidate
from components.evaluator.digests import files_digest
from components.pusher import versions
from components.pusher.versions import Record

FILES = str(kills.REPOSITORY / "src" / "fairgate" / "documents.py")
CODE = [n for n, text in enumerate(Path(FILES).read_text().splitlines(), start=1) if text.strip()]
LINES = {stage: {FILES: CODE} for stage in ("Transform", "Evaluator", "Pusher")}
SECONDS = dict.fromkeys(LINES, 2.0)


@pytest.mark.parametrize("name", kills.NAMED)
def test_the_lines_that_have_names_are_there(name):
    kills.require_there(name)


def test_a_line_is_found_by_its_name_in_every_stage_that_goes_through_it():
    found = kills.named("src/fairgate/documents.py: partial.replace(file)", LINES)
    assert [kill.stage for kill in found] == list(LINES)
    assert {kills.text_of(kill.file, kill.line) for kill in found} == {"partial.replace(file)"}
    for unknown in ("src/fairgate/documents.py: partial.unlinked", "partial.replace(file)"):
        with pytest.raises(ValueError, match="goes through no line that is called so"):
            kills.named(unknown, LINES)


def test_a_plan_goes_by_the_stages_and_has_all_kinds():
    name = "src/fairgate/documents.py: partial.replace(file)"
    plan = kills.plan(LINES, SECONDS, 31, random.Random(3), [name])
    assert len(plan) == 31
    stages = [list(LINES).index(kill.stage) for kill in plan]
    assert stages == sorted(stages)
    assert sorted(kill.kind for kill in plan) == ["drawn"] * 10 + ["moment"] * 10 + ["named"] * 11
    again = kills.plan(LINES, SECONDS, 31, random.Random(3), [name])
    assert plan == again != kills.plan(LINES, SECONDS, 31, random.Random(4), [name])


@pytest.fixture
def run(tmp_path):
    """Three steps that each write a file twice."""
    from fairgate.documents import write_text
    from pipeline.running import terminal

    def work() -> int:
        folder = tmp_path
        display = terminal.Display(Console(file=io.StringIO()), steps=3)
        with display:
            for stage in LINES:
                with display.step(stage):
                    write_text(folder / f"{stage}-1", "whole")
                    write_text(folder / f"{stage}-2", "whole")
                    time.sleep(0.2)
        return 0

    return work


def died(tmp_path: Path, work: victim.Work, plan: list[Kill]) -> tuple[int, str]:
    """The exit status of a run, and which of the plan it was killed at."""
    told = tmp_path / "told"
    told.unlink(missing_ok=True)
    process = victim.start(work, tmp_path / "log", plan, told)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return status, told.read_text() if told.exists() else ""


@pytest.mark.parametrize(("nth", "left"), [(1, []), (2, ["Evaluator-1"])])
def test_a_run_is_killed_right_before_the_line_in_its_stage(tmp_path, run, nth, left):
    [line] = [
        n for n in LINES["Pusher"][FILES] if kills.text_of(FILES, n) == "partial.replace(file)"
    ]
    plan = [Kill("Evaluator", "named", FILES, line, nth)]
    assert died(tmp_path, run, plan) == (-signal.SIGKILL, "0")
    assert sorted(p.name for p in tmp_path.glob("[TEP]*")) == sorted(
        [*left, "Transform-1", "Transform-2"]
    )
    [partial] = tmp_path.glob(f".Evaluator-{nth}.*.partial")
    assert partial.read_text() == "whole"


def test_a_run_is_killed_at_a_moment_and_goes_past_what_it_does_not_come_to(tmp_path, run):
    plan = [Kill("Transform", "drawn", FILES, 1), Kill("Pusher", "moment", after=0.05)]
    assert died(tmp_path, run, plan) == (-signal.SIGKILL, "1")
    assert (tmp_path / "Evaluator-2").exists()
    assert died(tmp_path, run, [Kill("Pusher", "drawn", FILES, 1)]) == (0, "")
    victims = Victim("alpha", tmp_path, run, [Kill("Report", "drawn"), *plan])
    victims.told.write_text("1")
    assert victims.killed_by() == plan[0] and victims.plan == [plan[1]]


def test_an_undisturbed_run_tells_the_lines_of_each_stage(tmp_path, run):
    told = tmp_path / "told"
    process = victim.record(run, tmp_path / "log", told)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    lines, seconds = victim.recorded(told)
    assert list(lines) == [victim.START, *LINES] and min(seconds.values()) < 2
    texts = {kills.text_of(FILES, line) for line in lines["Pusher"][FILES]}
    assert "partial.replace(file)" in texts


@pytest.fixture
def serving(tmp_path) -> Path:
    folder = tmp_path / "serving"
    for content in ("one", "two"):
        add(tmp_path, folder, content)
    return folder


def add(tmp_path: Path, folder: Path, content: str) -> versions.Version:
    model = tmp_path / content
    model.mkdir(exist_ok=True)
    (model / "saved_model.pb").write_text(content)
    with versions.alone(str(folder)):
        return versions.add(str(folder), str(model), Record(files_digest(str(model)), content))


def counts(found: Found) -> dict[str, int]:
    return {name: value for name, value in vars(found).items() if isinstance(value, int) and value}


@pytest.mark.parametrize("damage", ["a file gone", "half a copy"])
def test_half_a_version_is_seen_as_soon_as_it_has_a_number(tmp_path, serving, damage):
    found = Found()
    watcher = Watcher(serving, found)
    watcher.look()
    assert counts(found) == {}
    if damage == "a file gone":
        Path(add(tmp_path, serving, "three").folder, "saved_model.pb").unlink()
    else:
        shutil.copytree(tmp_path / "one", serving / "9999999999")
    watcher.look()
    watcher.look()
    assert counts(found) == {"half": 1}


def test_what_no_gate_passed_and_what_was_pushed_twice_is_found(tmp_path, serving):
    blessed = [files_digest(str(tmp_path / name)) for name in ("one", "two")]
    found = Found()
    checks.served(serving, blessed, found)
    assert counts(found) == {}
    add(tmp_path, serving, "two")
    add(tmp_path, serving, "three")
    checks.served(serving, blessed, found)
    assert counts(found) == {"double_pushes": 1, "unblessed": 1}


def event(root: Path, number: int, model: str, text: str = "") -> None:
    file = root / "journal" / f"event-{number:06d}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text or json.dumps({"event": "attempt", "question": {"model": model}}))


def test_lost_double_and_damaged_attempts_are_found(tmp_path):
    event(tmp_path, 1, "aaa")
    event(tmp_path, 2, "bbb")
    found = Found()
    checks.ledger(tmp_path, {"aaa", "bbb"}, found)
    assert counts(found) == {}
    event(tmp_path, 3, "aaa")
    event(tmp_path, 5, "ddd")
    event(tmp_path, 6, "", text="{ cut")
    checks.ledger(tmp_path, {"aaa", "bbb", "ccc"}, found)
    assert counts(found) == {"double_attempts": 1, "lost": 1, "damaged": 2}


def test_another_figure_is_found(tmp_path):
    names = ("models", "gate", "checks", "attempt", "reasons", "outcome")
    tree = {name: [0.25] for name in names}
    (tmp_path / "verdict.json").write_text(json.dumps(tree))
    found = Found()
    checks.verdict(tmp_path / "verdict.json", tree, found)
    assert counts(found) == {}
    checks.verdict(tmp_path / "verdict.json", tree | {"models": [0.25000000000000006]}, found)
    assert counts(found) == {"differing": 1}


def test_the_page_has_the_counts_and_what_was_found(tmp_path):
    from benchmarks.drill import page

    drill = Drill(tmp_path, random.Random(0))
    drill.kills["runs"] = kills.plan(
        LINES, SECONDS, 9, random.Random(0), ["src/fairgate/documents.py: partial"]
    )
    drill.found.add("half", "serving/7 is not whole")
    text = page.text(drill, 120)
    assert "2 minutes: 9 times `kill -9`" in text and "half: serving/7 is not whole" in text
    assert "| versions that a model server could load and that were not whole | 1 |" in text


def test_the_attempt_and_the_push_of_two_at_once_survive_some_kills(tmp_path):
    drill = Drill(tmp_path, random.Random(1), say=lambda sentence: None)
    drill.parts(12)
    assert len(drill.kills["parts"]) >= 12 and drill.at_once >= 12
    assert drill.found.told == []
    assert {kill.stage for kill in drill.kills["parts"]} == {"Evaluator", "Pusher"}
    # And it would have been seen: the push of an earlier version, cut in half.
    candidate = Candidate(tmp_path / "parts-1", "alpha", 1)
    half = candidate.serving / "9999999999"
    half.mkdir()
    (half / "saved_model.pb").write_bytes(b"half")
    Watcher(candidate.serving, drill.found).look()
    assert drill.found.half == 1
