"""What visitors of the project read first fits together: licence, changelog, how to contribute, forms."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

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
MADE = {".venv", ".uv/bin/uv", "dist", "failure.json", "run.log", "verdict.json"}

each_page = pytest.mark.parametrize("page", PAGES)
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
