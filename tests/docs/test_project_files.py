"""What visitors of the project read first fits together: licence, changelog, how to contribute, forms."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import io
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pipeline.command_line import parser
from tests.docs import test_pages as pages

REPOSITORY = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
LOCKED = {
    package["name"]: package.get("version")
    for package in tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
}
CITATION: dict[str, Any] = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
WORKFLOW: dict[str, Any] = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
CHANGELOG = (REPOSITORY / "CHANGELOG.md").read_text()
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()

# The text as https://www.apache.org/licenses/LICENSE-2.0.txt has it.
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
PAGES = ["CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md"]
FORMS = ["bug.yml", "feature.yml"]
# What builds and runs leave behind; it is named on the pages, and is no part of the repository.
MADE = {".venv", ".uv/bin/uv", "dist", "failure.json", "history.json", "run.log", "steps.json"}
MADE |= {"verdict.json", "evidence.json", "model_card.json", "model_card_huggingface.md"}

# Those whose subject is other programs, which want Pythons of their own.
OF_OTHERS = {"peers.md", "bounds_compared.md"}
ALL_PAGES = [*pages.PAGES, *(REPOSITORY / page for page in PAGES)]

each_page = pytest.mark.parametrize("page", PAGES)
each_of_all_pages = pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
each_form = pytest.mark.parametrize("form", FORMS)


def form_of(name: str) -> dict[str, Any]:
    form: dict[str, Any] = yaml.safe_load(
        (REPOSITORY / ".github/ISSUE_TEMPLATE" / name).read_text()
    )
    return form


def releases() -> list[tuple[Version, datetime.date]]:
    """Of the changelog, in its order."""
    found = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", CHANGELOG, re.MULTILINE)
    return [(Version(version), datetime.date.fromisoformat(date)) for version, date in found]


def runs_of(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def words_of_code(page: Path) -> list[str]:
    """What stands between backticks, and the commands."""
    spans = [span.split() for span in re.findall(r"`([^`\n]+)`", page.read_text())]
    return [word for words in spans + pages.commands(page) for word in words]


def paths(words: list[str]) -> set[str]:
    """Those of the words that name a file or a folder of the repository, whether it is there or not."""
    files = r"(?:[\w.-]+/)*[\w.-]+\.(?:py|sh|md|toml|lock|ya?ml|json|cff|log)"
    folders = r"(?:\.?[\w-]+/)+[\w.-]+|\.venv|dist|Makefile|LICENSE"
    found = {word.rstrip("/") for word in words if re.fullmatch(f"{files}|{folders}", word)}
    return found - MADE


def test_the_licence_is_the_whole_text_of_apache_2():
    text = (REPOSITORY / "LICENSE").read_text()
    line = "Copyright 2026 The FairGate authors"
    assert line in text
    text = text.replace(line, "Copyright [yyyy] [name of copyright owner]")
    assert hashlib.sha256(text.encode()).hexdigest() == APACHE_2


def test_the_package_and_the_citation_say_which_licence_it_is():
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert CITATION["license"] == "Apache-2.0"


def test_there_is_one_version():
    version, date = releases()[0]
    assert PROJECT["project"]["version"] == str(version)
    assert LOCKED["fairgate"] == str(version), "run uv lock"
    assert CITATION["version"] == str(version)
    assert CITATION["date-released"] == date


def test_the_changelog_is_as_keep_a_changelog_wants_it():
    assert CHANGELOG.startswith("# Changelog\n")
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert len(headings) == 1 + len(releases()), "a version with an ISO date under each heading"
    kinds = re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_newest_version_is_first_and_every_version_says_what_changed():
    versions, dates = zip(*releases(), strict=True)
    assert list(versions) == sorted(set(versions), reverse=True)
    assert list(dates) == sorted(dates, reverse=True)
    for part in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[2:]:
        kinds = re.split(r"^### ", part, flags=re.MULTILINE)[1:]
        assert kinds and all("\n- " in kind for kind in kinds), part.splitlines()[0]


def test_the_citation_names_what_it_rests_on():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["title"] == "FairGate"
    assert CITATION["authors"] == [{"name": "The FairGate authors"}]
    assert len(CITATION["references"]) == 3
    for paper in CITATION["references"]:
        assert paper["authors"] and paper["year"] == 2019
        assert "journal" in paper or "conference" in paper


@each_page
def test_every_link_leads_somewhere(page):
    pages.test_every_link_leads_somewhere(REPOSITORY / page)


@each_page
def test_every_make_command_is_a_target(page):
    pages.test_every_make_command_is_a_target(REPOSITORY / page)


def test_the_three_commands_are_shown():
    given = [command[:2] for command in pages.commands(REPOSITORY / "CONTRIBUTING.md")]
    for target in ("setup", "test-fast", "lint", "test"):
        assert ["make", target] in given


def test_every_path_that_is_named_exists():
    files = [*PAGES, ".github/pull_request_template.md"]
    files += [f".github/ISSUE_TEMPLATE/{form}" for form in FORMS]
    words = [word for file in files for word in words_of_code(REPOSITORY / file)]
    assert len(paths(words)) > 20
    assert not [path for path in sorted(paths(words)) if not (REPOSITORY / path).exists()]


def test_every_room_of_the_library_is_in_the_table_of_rooms():
    table = set(re.findall(r"^\| `([\w/]+)` \|", CONTRIBUTING, re.MULTILINE))
    assert all((REPOSITORY / room).is_dir() for room in table), table
    library = (REPOSITORY / "src/fairgate").glob("*/__init__.py")
    assert {f"src/fairgate/{file.parent.name}" for file in library} <= table


def test_lint_checks_the_arrows_as_the_page_says():
    [recipe] = re.findall(
        r"^lint:.*\n((?:\t.*\n)+)", (REPOSITORY / "Makefile").read_text(), re.MULTILINE
    )
    assert re.search("lint-imports|importlinter", recipe)
    assert "import-linter" in LOCKED
    assert PROJECT["tool"]["importlinter"]["contracts"]


def test_the_library_is_checked_for_its_oldest_python():
    least = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert f"-m mypy --python-version {least} -p fairgate" in (REPOSITORY / "Makefile").read_text()
    targets = PROJECT["tool"]["ruff"]["per-file-target-version"]
    assert targets["src/**"] == targets["tools/try_wheel.py"] == f"py{least.replace('.', '')}"


def layers(contract: str) -> list[set[str]]:
    """What stands on each line of a contract of import-linter, the highest first."""
    [found] = [c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["id"] == contract]
    return [set(re.findall(r"\w+", line)) for line in found["layers"]]


def test_the_arrows_on_the_page_are_those_of_the_contracts():
    rule = CONTRIBUTING.partition("**The rule of the arrows.**")[2].partition("`make lint`")[0]
    lines = [
        line.split(":")[-1].split("->") for line in rule.splitlines() if line.startswith("    ")
    ]
    arrows = [[room.strip() for room in line] for line in lines if len(line) > 1]
    house, *library = arrows
    assert [{room} for room in house] == [{"kubeflow"}, *layers("house")]
    height = {room: -n for n, line in enumerate(layers("library")) for room in line}
    assert len(library) == 3
    for line in library:
        known = [height[room] for room in line if room != "optimization"]
        assert known == sorted(known, reverse=True), line
    rooms = {file.parent.name for file in (REPOSITORY / "src/fairgate").glob("*/__init__.py")}
    assert rooms <= {room for line in library for room in line}


def test_every_target_of_the_makefile_is_phony_and_says_what_it_does():
    makefile = (REPOSITORY / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    targets = re.findall(r"^([a-z][\w-]*):.*$", makefile, re.MULTILINE)
    assert sorted(phony.split()) == sorted(targets)
    assert all(re.search(rf"^{target}:.*  ## \w", makefile, re.MULTILINE) for target in targets)


@each_of_all_pages
def test_every_extra_that_is_named_exists(page):
    text = page.read_text()
    named = re.findall(r"\bfairgate\[([\w,-]+)\]", text)
    named += re.findall(r"--extra[ =]([\w-]+)", text)
    extras = {extra for group in named for extra in group.split(",")}
    assert extras <= set(PROJECT["project"]["optional-dependencies"])


def given_to_fairgate(page: Path) -> Iterator[list[str]]:
    """The command lines of a page that call fairgate, in blocks; without what they are piped into."""
    text = page.read_text().replace("\\\n", " ")
    lines = [
        line
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    lines += re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE)
    for line in lines:
        found = re.match(r"\s*(?:\$ )?(?:\./)?fairgate ([a-z].*)", line)
        if found:
            yield shlex.split(re.split(r" (?:\||&&|>) ", found[1])[0], comments=True)


def commands() -> set[str]:
    [choices] = [
        action.choices
        for action in parser.make()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return set(choices)


@each_of_all_pages
def test_every_fairgate_command_exists(page):
    spans = re.findall(r"`(?:\./)?fairgate ([a-z][a-z-]*)", page.read_text())
    assert set(spans) <= commands()
    for words in given_to_fairgate(page):
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                parser.make().parse_args(words)
        except SystemExit as stopped:
            assert stopped.code == 0, f"fairgate {shlex.join(words)}: {said.getvalue()}"


def test_the_commands_of_pages_are_found():
    found = [words for page in ALL_PAGES for words in given_to_fairgate(page)]
    assert len(found) > 10
    assert {"runs", "explain", "compare", "predict"} <= {words[0] for words in found}


@pytest.mark.parametrize(
    "page",
    [page for page in ALL_PAGES if page.name not in OF_OTHERS | {"CHANGELOG.md"}],
    ids=lambda page: page.name,
)
def test_the_pythons_that_are_named_are_those_of_the_package(page):
    """A range is what the package is for; one, or one and another, is what the pipeline runs on."""
    text = page.read_text()
    classifiers = "\n".join(PROJECT["project"]["classifiers"])
    said = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    for first, last in re.findall(r"Python (3\.\d+) (?:to|-) (3\.\d+)", text):
        assert (first, last) == (said[0], said[-1])
    for least in re.findall(r"Python (3\.\d+)(?: or newer| or later|\+)", text):
        assert PROJECT["project"]["requires-python"] == f">={least}"
    single = r"(?i)python ?(3\.\d+)(?! (?:to|-) 3|(?: or newer| or later|\+)|[\d.])"
    another = r"(?i)python ?3\.\d+ and (3\.\d+)"
    [pipeline] = [
        SpecifierSet(PROJECT["tool"]["uv"]["dependency-groups"]["pipeline"]["requires-python"])
    ]
    for version in re.findall(single, text) + re.findall(another, text):
        assert f"{version}.1" in pipeline, version


@each_form
def test_an_issue_form_is_one(form):
    tree = form_of(form)
    assert tree["name"] and tree["description"]
    fields = [field for field in tree["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"checkboxes", "dropdown", "input", "textarea"}
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


@each_form
def test_an_issue_form_asks_for_version_run_expectation_and_verdict(form):
    labels = {field["attributes"].get("label") for field in form_of(form)["body"]}
    assert {"Version", "What was run", "What was expected"} <= labels
    text = (REPOSITORY / ".github/ISSUE_TEMPLATE" / form).read_text()
    assert "`fairgate --version`" in text
    assert "`verdict.json`" in text


def test_questions_may_be_asked_without_a_form():
    assert form_of("config.yml") == {"blank_issues_enabled": True}


def test_the_pull_request_template_is_the_checklist_in_five_lines():
    template = (REPOSITORY / ".github/pull_request_template.md").read_text()
    assert len(re.findall(r"^- \[ \] ", template, re.MULTILINE)) == 5
    assert "How a change is reviewed" in template
    assert re.search("^## How a change is reviewed$", CONTRIBUTING, re.MULTILINE)


def test_the_workflow_runs_what_a_change_must_pass():
    job = WORKFLOW["jobs"]["all"]
    assert runs_of(job) == [".ci/run"]
    assert os.access(REPOSITORY / ".ci/run", os.X_OK)
    assert job["timeout-minutes"] == 90


def test_the_workflow_may_only_read_and_gives_way_to_a_newer_run():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["concurrency"]["cancel-in-progress"] is True
    # YAML 1.1 reads the key `on` as true.
    assert set(WORKFLOW[True]) == {"push", "pull_request"}
    for job in WORKFLOW["jobs"].values():
        assert "permissions" not in job and job["timeout-minutes"] <= 90
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


def test_the_workflow_tries_the_wheel_with_scripts_that_are_there():
    runs = runs_of(WORKFLOW["jobs"]["wheel"])
    assert any("uv build" in line for line in runs)
    assert runs[-1] == "python tools/try_wheel.py"
    named = paths([word for line in runs for word in line.split()])
    assert not [path for path in sorted(named) if not (REPOSITORY / path).exists()]


def test_the_wheel_is_tried_on_every_python_that_the_package_is_for():
    tried = WORKFLOW["jobs"]["wheel"]["strategy"]["matrix"]["python"]
    classifiers = "\n".join(PROJECT["project"]["classifiers"])
    said = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    assert tried == said
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    assert all(f"{version}.1" in allowed for version in tried)
    assert next(f"3.{minor}" for minor in range(99) if f"3.{minor}.1" in allowed) == tried[0]


def test_pre_commit_has_the_tools_of_the_lock_file():
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    pinned = [pin.split("==") for hook in hooks for pin in hook.get("additional_dependencies", [])]
    assert pinned and all(LOCKED[name] == version for name, version in pinned)
    assert all(
        re.fullmatch(r"v\d+(\.\d+)+", repo["rev"]) for repo in config["repos"] if "rev" in repo
    )
    assert {hook["id"] for hook in hooks} == {
        "check-added-large-files",
        "check-merge-conflict",
        "check-toml",
        "check-yaml",
        "ruff-check",
        "ruff-format",
    }
