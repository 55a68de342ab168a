"""Settings: where values come from."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import BaseModel

from pipeline.settings import Settings, dump, load
from tests.pipeline.files import write

REPOSITORY = Path(__file__).parents[2]


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of all fields that are no models themselves."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += leaves(kind, (*path, name))
        else:
            found.append((*path, name))
    return found


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    below = [field.annotation for field in model.model_fields.values()]
    while below:
        kind = below.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= models(kind)
        below += typing.get_args(kind)  # a model that may be left out, or one of several
    return found


def at(tree: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def test_nothing_given_gives_the_defaults():
    assert load() == Settings()


@pytest.mark.parametrize("path", leaves(Settings), ids=".".join)
def test_every_setting_is_visible_in_a_dump(path):
    at(yaml.safe_load(dump(load())), path)  # KeyError where it is not


@pytest.mark.parametrize(
    "model", sorted(models(Settings), key=repr), ids=lambda model: model.__name__
)
def test_every_setting_says_what_it_is(model):
    undescribed = [name for name, field in model.model_fields.items() if not field.description]
    assert undescribed == []


def test_the_celeba_settings_are_the_defaults():
    assert load([str(REPOSITORY / "schemas/celeba/settings.yaml")]) == Settings()


@pytest.mark.parametrize(
    "file", sorted(REPOSITORY.glob("schemas/*/settings.yaml")), ids=lambda file: file.parent.name
)
def test_the_settings_of_every_dataset_are_accepted(file):
    settings = load([str(file)])
    assert (REPOSITORY / settings.data.schema_file).is_file()
    assert load([str(file)], ["gate.limit=0.5"]).gate.limit == 0.5


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,12}", fullmatch=True)
# Names that YAML would read as something else (no, 12, 1e3, null) are among the generated ones.
trees = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "runs": st.text(min_size=1, max_size=20).filter(
            lambda text: text.isprintable() and text.strip() and not text.startswith(("~", "file:"))
        ),
        "cache": st.booleans(),
        "trainer": st.fixed_dictionaries(
            {},
            optional={
                "steps": st.integers(40, 10**6),
                "learning_rate": st.floats(1e-12, 1e3),
                "constraints": st.lists(
                    st.sampled_from(
                        ["FPR <= 0.5", "abs(FPR | [Young] - FPR | [Not Young]) <= 0.02"]
                    )
                ),
                "seed": st.integers(0, 2**31),
            },
        ),
        "gate": st.fixed_dictionaries(
            {},
            optional={
                "limit": st.none() | st.floats(1e-12, 1),
                "confidence": st.floats(0.51, 0.999),
            },
        ),
        "data": st.fixed_dictionaries(
            {},
            optional={
                "path": st.none()
                | st.sampled_from(["gs://bucket/celeb_a", "no", "1e3", "./~", "null"]),
                "stand_in": st.fixed_dictionaries({"images": st.integers(200, 10**6)}),
                "splits": st.fixed_dictionaries({"train": st.sampled_from(["*-a*", "[ab]*", "x"])}),
            },
        ),
    },
)


@examples(deadline=None)
@given(trees)
def test_a_dump_loads_to_the_same_settings(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("settings")
    first = load([write(folder / "tree.yaml", yaml.safe_dump(tree, allow_unicode=True))])
    assert load([write(folder / "dump.yaml", dump(first))]) == first
    for path in leaves_of(tree):
        assert at(first.model_dump(mode="json"), path) == at(tree, path)


def leaves_of(tree: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for key, value in tree.items():
        found += leaves_of(value, (*path, key)) if isinstance(value, dict) else [(*path, key)]
    return found


def test_later_files_lie_over_earlier_ones_and_assignments_over_both(tmp_path):
    first = write(tmp_path / "1.yaml", "name: one\ntrainer: {steps: 100, batch_size: 8, seed: 1}")
    second = write(tmp_path / "2.yaml", "trainer: {steps: 200, batch_size: 9}")
    settings = load([first, second], ["trainer.steps=300", "trainer.steps=400"])
    assert (settings.name, settings.trainer.seed) == ("one", 1)
    assert (settings.trainer.batch_size, settings.trainer.steps) == (9, 400)


def test_groups_of_a_later_file_replace_those_of_an_earlier_one(tmp_path):
    groups = "data: {features: {groups: {%s: {name: %s, values: {A: 1, B: 0}}}}}"
    files = [
        write(tmp_path / "1.yaml", groups % ("Male", "attributes/Male")),
        write(
            tmp_path / "2.yaml",
            groups % ("Bald", "attributes/Bald")
            + '\ntrainer: {constraints: []}\ngate: {constraints: ["max_gap(FPR, [Bald]) <= 0.1"]}',
        ),
    ]
    assert load(files).data.features.group_names == {"Bald": ["A", "B"]}


def test_an_empty_file_changes_nothing(tmp_path):
    assert load([write(tmp_path / "empty.yaml", "# nothing yet\n")]) == Settings()


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("gate.limit=0.001", ("gate", "limit"), 0.001),
        ("gate.limit=1e-3", ("gate", "limit"), 0.001),
        ("gate.limit=null", ("gate", "limit"), None),
        ("gate.limit=", ("gate", "limit"), None),
        ("cache=false", ("cache",), False),
        ("trainer.network=mine.networks:resnet", ("trainer", "network"), "mine.networks:resnet"),
        ("data.path=gs://bucket/celeb_a/2.1.0", ("data", "path"), "gs://bucket/celeb_a/2.1.0"),
        ("data.splits.test=*=test*", ("data", "splits", "test"), "*=test*"),
        ("trainer.constraints=[]", ("trainer", "constraints"), []),
        ("trainer.constraints=[FPR <= 0.5]", ("trainer", "constraints"), ["FPR <= 0.5"]),
        ("trainer.constraints.0=FPR <= 0.5", ("trainer", "constraints"), ["FPR <= 0.5"]),
        (
            "gate.constraints.0=abs(FPR | [Young] - FPR | [Not Young]) <= 0.02",
            ("gate", "constraints"),
            ["abs(FPR | [Young] - FPR | [Not Young]) <= 0.02"],
        ),
        (
            "gate.constraints.0=max_gap(FPR, [Young]) <= 0.05",
            ("gate", "constraints"),
            ["max_gap(FPR, [Young]) <= 0.05"],
        ),
        ("beam_arguments.1=--direct_num_workers=2", ("beam_arguments",), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_assignment_is_yaml_at_a_dotted_path(assignment, path, value):
    if assignment.startswith("beam"):
        value = [Settings().beam_arguments[0], "--direct_num_workers=2"]
    assert at(load([], [assignment]).model_dump(mode="json"), path) == value


def test_an_element_of_a_list_from_a_file_can_be_assigned(tmp_path):
    file = write(tmp_path / "two.yaml", 'gate: {constraints: ["FPR <= 0.5", "FNR <= 0.5"]}')
    assert load([file], ["gate.constraints.1=ACC >= 0.7"]).gate.constraints == (
        "FPR <= 0.5",
        "ACC >= 0.7",
    )


def test_one_field_of_a_default_group_can_be_assigned():
    settings = load([], ["data.features.groups.Young.name=attributes/Youngish"])
    group = settings.data.features.groups["Young"]
    assert (group.name, group.values) == ("attributes/Youngish", {"Young": 1, "Not Young": 0})


def test_a_new_group_feature_can_be_assigned_alone():
    settings = load(
        [],
        [
            "data.features.groups={Male: {name: attributes/Male, values: {M: 1, F: 0}}}",
            "trainer.constraints.0=max_gap(FPR, [Male]) <= 0.01",
            "gate.constraints.0=max_gap(FPR, [Male]) <= 0.05",
        ],
    )
    assert settings.data.features.group_names == {"Male": ["M", "F"]}


def test_group_values_can_be_text():
    settings = load(
        [],
        [
            "data.features.groups={Age: {name: age, values: {Old: old, Young: young, Other: '7'}}}",
            "trainer.constraints.0=max_gap(FPR, [Age]) <= 0.01",
            "gate.constraints.0=max_gap(FPR, [Age]) <= 0.05",
        ],
    )
    assert settings.data.features.groups["Age"].values == {
        "Old": "old",
        "Young": "young",
        "Other": "7",
    }


def test_settings_do_not_change_once_made():
    with pytest.raises(ValueError, match="frozen"):
        load().gate.limit = 0.9


def test_the_environment_fills_in_what_a_file_leaves_to_it(tmp_path, monkeypatch):
    monkeypatch.setenv("BUCKET", "somewhere")
    file = write(tmp_path / "mine.yaml", "deploy: {pipeline_root: 'gs://${BUCKET}/runs'}")
    assert load([file]).deploy.pipeline_root == "gs://somewhere/runs"


@pytest.mark.parametrize(
    ("given", "meant"), [("$${NAME}", "${NAME}"), ("$$${NAME}", "$${NAME}"), ("$5", "$5")]
)
def test_a_dollar_can_be_had_too(tmp_path, given, meant):
    settings = load([], [f"deploy.image={given}"])
    assert settings.deploy.image == meant
    assert load([write(tmp_path / "dump.yaml", dump(settings))]) == settings


def test_resources_of_one_component_leave_those_of_the_others():
    deploy = load([], ["deploy.resources.Evaluator={memory_gb: 64}"]).deploy
    assert deploy.resources_of("Evaluator").memory_gb == 64
    assert deploy.resources_of("Evaluator").cpu == Settings().deploy.resources_of("Evaluator").cpu
    assert deploy.resources_of("Transform") == Settings().deploy.resources_of("Transform")
    assert deploy.resources_of("Pusher") == deploy.resources["default"]
