"""docs/settings.md: whole, current, and with examples that work."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline import reference
from pipeline.__main__ import main
from pipeline.settings import Settings, load

SETTINGS = [setting for section in reference.sections() for setting in section.settings]
# What an example needs beside it.
WEIGHTED = ["data.features.weight=other", "data.features.largest_weight=9"]
_TWO = (
    "data.features.groups={Young: {name: young, values: {Young: 1, Old: 0}}, "
    "Gender: {name: sex, values: {Male: M, Female: F}}}"
)
COMPANIONS = {
    "data.features.weight": WEIGHTED,
    "data.features.largest_weight": WEIGHTED,
    "data.features.crossings": [_TWO],
    "data.features.left_out_crossings": [_TWO, "data.features.crossings=[Young x Gender]"],
    "data.features.small_crossings": [_TWO, "data.features.crossings=[Young x Gender]"],
    "data.features.groups.NAME.quantiles": [
        "data.features.groups.Gender.values={Male: <q25, Female: '>=q25'}"
    ],
    "data.features.label.classes": [
        "trainer.constraints=[]",
        "gate.constraints=['max_gap(ERR, [Young]) <= 0.05']",
    ],
    "trainer.layers": ["trainer.warm_start=baseline"],
    "trainer.thresholds": ["data.features.numeric=['attributes/Young']"],
    "deploy.trainer.replicas": ["deploy.trainer.job=true"],
    "trainer.constraints": ["gate.constraints=['FPR <= 0.5']"],
    "data.features.groups": ["trainer.constraints=[]", "gate.constraints=['FPR <= 0.5']"],
    "data.features.groups.NAME.values": [
        "trainer.constraints=[]",
        "gate.constraints=['FPR <= 0.5']",
    ],
}


def test_the_committed_page_is_the_generated_one(capsys):
    assert main(["settings", "--reference"]) == 0
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text() == capsys.readouterr().out, (
        "make it anew: ./fairgate settings --reference > docs/settings.md"
    )


def leaves(tree, path=""):
    """Paths of everything that is set in a tree."""
    if isinstance(tree, dict) and tree:
        return {leaf for key, inner in tree.items() for leaf in leaves(inner, f"{path}{key}.")}
    return {path.rstrip(".")}


def test_every_setting_is_in_it():
    told = [setting.path for setting in SETTINGS]
    assert len(told) == len(set(told))
    for path in leaves(Settings().model_dump(mode="json")):
        parts = path.split(".")
        # A mapping's own keys stand below it.
        assert any(".".join(parts[:n]) in told for n in range(1, len(parts) + 1)), path


def test_every_setting_says_what_it_does_and_of_which_type_it_is():
    for setting in SETTINGS:
        assert setting.description and setting.type and "typing" not in setting.type, setting
        assert "class" not in setting.type, setting


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.path)
def test_every_example_is_accepted_and_changes_something(setting):
    assignments = []
    path = setting.path
    for whole in (each for each in SETTINGS if setting.path.startswith(f"{each.path}.")):
        # Something in the example of the whole: a position of a list, or a name of a mapping.
        assignments += [*COMPANIONS.get(whole.path, ()), f"{whole.path}={whole.example}"]
        if path.startswith(f"{whole.path}.NAME."):
            name = next(iter(yaml.safe_load(whole.example)))
            path = path.replace(f"{whole.path}.NAME.", f"{whole.path}.{name}.")
    assignments += COMPANIONS.get(setting.path, ())
    before = at(load([], assignments), path)
    after = at(load([], [*assignments, f"{path}={setting.example}"]), path)
    assert after != before
    if not isinstance(after, dict | list):
        assert after == yaml.safe_load(setting.example)


def at(settings: Settings, path: str):
    """The value at `path`; None where there is none."""
    node = settings.model_dump(mode="json")
    for key in path.split("."):
        node = node[int(key)] if isinstance(node, list) else (node or {}).get(key)
    return node


def test_as_json_it_is_a_list_of_settings(capsys):
    import json

    assert main(["settings", "--reference", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["settings"]
    [limit] = [setting for setting in told if setting["path"] == "gate.limit"]
    assert limit == {
        "path": "gate.limit",
        "type": "number or unset",
        "default": "unset",
        "description": "replaces the limit of the constraint (where there is just one)",
        "example": "0.02",
    }
