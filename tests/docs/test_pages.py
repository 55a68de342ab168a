"""What the pages say can be done: links lead somewhere, settings and commands are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from fairgate.constraints import language
from fairgate.constraints.errors import ConstraintError
from pipeline.settings import load

REPOSITORY = Path(__file__).parents[2]
ROOT_PAGES = ["README.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md"]
PAGES = [
    *(REPOSITORY / page for page in ROOT_PAGES),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
READERS = ("mine", "schemas/mine", "schemas/loans")
"""Settings that readers of a page make."""
GROUPS = {"Sex": ["M", "F", "Other"], "Age": ["Young", "Not Young"], "Young": ["Yes", "No"]}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As they are made of headings where the pages are shown."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def commands(page: Path) -> list[list[str]]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


@each_page
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file) if file else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


@each_page
def test_every_page_but_the_first_can_be_reached(page):
    linked = "".join(other.read_text() for other in PAGES if other != page)
    assert page.name == "README.md" or f"{page.name})" in linked or f"{page.name}#" in linked


@each_page
def test_every_make_command_is_a_target(page):
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z][a-z-]*)", page.read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for words in commands(page):
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), words


@each_page
def test_every_setting_that_a_command_gives_exists(page):
    for words in commands(page):
        given = words
        for word in words:
            if word.startswith("ARGS="):
                given = shlex.split(word.removeprefix("ARGS="))
        files = [given[i + 1] for i, word in enumerate(given) if word == "--settings"]
        if words[0] not in ("make", "./fairgate") or any(
            file.startswith(READERS) for file in files
        ):
            continue
        load(
            [str(REPOSITORY / file) for file in files],
            [given[i + 1] for i, word in enumerate(given) if word == "--set"],
        )


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "settings.md"], ids=lambda page: page.name
)
def test_every_setting_that_is_named_exists(page):
    """As the reference has them; where a name is for any, as of a group, the rest of it."""
    reference = (REPOSITORY / "docs/settings.md").read_text()
    known = set(re.findall(r"^\| `([\w.]+)`", reference, re.MULTILINE))
    sections = {".".join(name.split(".")[:n]) for name in known for n in range(1, 5)}
    for name in re.findall(r"`((?:data|trainer|gate|deploy)\.[a-z][\w.]*)[`=:]", page.read_text()):
        assert name in known | sections, name


@each_page
def test_every_path_that_is_named_exists(page):
    rooms = "benchmarks|components|docs|kubeflow|notebooks|pipeline|schemas|src|tests|tools"
    for path in re.findall(rf"`((?:{rooms})/[\w./-]*)`", page.read_text()):
        assert (REPOSITORY / path).exists() or path.startswith(READERS), path


@pytest.mark.parametrize("page", ["own_dataset.md", "own_constraint.md"])
def test_every_settings_file_is_accepted(page, tmp_path):
    found = blocks(REPOSITORY / "docs" / page, "yaml")
    assert found
    for number, text in enumerate(found):
        tree = yaml.safe_load(text)
        # What a page does not repeat: the groups, and constraints about them.
        features = tree.setdefault("data", {}).setdefault("features", {})
        features.setdefault("label", {"name": "label"})
        groups = features.setdefault("groups", {"Sex": {"name": "sex", "values": {"F": 0, "M": 1}}})
        for part in ("trainer", "gate"):
            tree.setdefault(part, {}).setdefault(
                "constraints", [f"max_gap(FPR, [{next(iter(groups))}]) <= 0.1"]
            )
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(tree))
        load([str(file)])


def test_every_constraint_of_the_page_can_be_said():
    text = (REPOSITORY / "docs" / "own_constraint.md").read_text().replace("\\|", "|")
    found = [line.strip() for line in re.findall(r"^    (\S.*[<>]=.*)$", text, re.MULTILINE)]
    found += re.findall(r"`([^`]+ [<>]= [\d.]+)`", text)
    assert len(found) > 10
    for line in found:
        language.parse(line.partition("#")[0], GROUPS, from_counts=True)


def test_scores_are_to_train_on_alone():
    for line in ("AUC >= 0.9", "recall_at_precision(0.9) >= 0.5"):
        language.parse(line, GROUPS)
        with pytest.raises(ConstraintError):
            language.parse(line, GROUPS, from_counts=True)
