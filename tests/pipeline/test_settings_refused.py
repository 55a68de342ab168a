"""Settings that are refused, and in which words."""

from __future__ import annotations

import pytest

from fairgate.errors import SettingsError
from pipeline.settings import load
from tests.pipeline.files import write


def refused(*assignments: str, files: tuple[str, ...] = ()) -> str:
    """The message with which these settings are refused."""
    with pytest.raises(SettingsError) as error:
        load(files, assignments)
    return str(error.value)


@pytest.mark.parametrize(
    ("assignment", "field", "suggestion"),
    [
        ("nam=x", "nam", "name"),
        ("gate.limt=0.1", "gate.limt", "gate.limit"),
        ("trainer.stepps=3", "trainer.stepps", "trainer.steps"),
        ("trainer.multipliers.learning_rte=1", None, "trainer.multipliers.learning_rate"),
        ("data.features.image.hight=3", None, "data.features.image.height"),
        ("data.features.label.positiv=3", None, "data.features.label.positive"),
        (
            "data.features.groups={Young: {name: a, valeus: {A: 1, B: 0}}}",
            "data.features.groups.Young.valeus",
            "data.features.groups.Young.values",
        ),
        ("data.stand_in.image=300", None, "data.stand_in.images"),
        ("data.split.train=a", "data.split", "data.splits"),
    ],
    ids=lambda value: value or "",
)
def test_a_misspelt_setting_is_named_and_the_right_one_suggested(assignment, field, suggestion):
    message = refused(assignment)
    field = field or assignment.partition("=")[0]
    assert f"{field}: no such setting" in message
    assert f"did you mean {suggestion!r}?" in message
    assert f"--set {assignment}" in message


def test_a_setting_unlike_any_other_gets_the_list_of_those_known():
    message = refused("gate.zzz=1")
    assert "gate.zzz: no such setting" in message
    for known in ("constraints", "limit", "confidence", "minimum_accuracy", "minimum_negatives"):
        assert known in message


def test_a_misspelt_setting_in_a_file_names_the_file(tmp_path):
    file = write(tmp_path / "mine.yaml", "gate: {limt: 0.1}")
    message = refused(files=(file,))
    assert file in message and "did you mean 'gate.limit'?" in message


def test_all_mistakes_are_told_at_once():
    message = refused("gate.limt=0.1", "trainer.steps=-5", "cache=perhaps")
    for part in ("gate.limt", "trainer.steps", "-5", "cache", "perhaps"):
        assert part in message


@pytest.mark.parametrize(
    ("assignment", "parts"),
    [
        ("trainer.steps=many", ["trainer.steps", "integer", "'many'"]),
        ("trainer.steps=1.5", ["trainer.steps", "1.5"]),
        ("trainer.steps=0", ["trainer.steps", "greater than or equal to 1", "0"]),
        ("trainer.snapshots=999999", ["snapshots (999999) cannot exceed steps"]),
        ("trainer.learning_rate=0", ["trainer.learning_rate", "greater than 0"]),
        ("trainer.network=rsnet", ["trainer.network", "tabular, or module:function", "'rsnet'"]),
        ("trainer.network=tabular", ["trainer.network", "data.features has an image"]),
        (
            "trainer.thresholds=per_group",
            [
                "trainer.thresholds",
                "'attributes/Young'",
                "'Young'",
                "data.features.categorical",
                "to one",
            ],
        ),
        ("trainer.thresholds=own", ["trainer.thresholds", "'one' or 'per_group'", "'own'"]),
        ("data.features.image=null", ["data.features", "nothing to learn from"]),
        ("data.features.numeric=[{name: a, scale: x}]", ["data.features.numeric.0.scale", "'log'"]),
        ("trainer.network=:f", ["trainer.network", "module:function", "':f'"]),
        ("trainer.objective=hing", ["trainer.objective", "'hinge' or 'cross_entropy'", "'hing'"]),
        ("trainer.multipliers.regret=none", ["trainer.multipliers.regret", "'swap'", "'none'"]),
        ("gate.confidence=1.5", ["gate.confidence", "less than 1", "1.5"]),
        ("gate.confidence=95%", ["gate.confidence", "'95%'"]),
        ("gate.minimum_accuracy=80", ["gate.minimum_accuracy", "80"]),
        ("gate.minimum_negatives=-1", ["gate.minimum_negatives", "-1"]),
        ("gate.constraints=[]", ["gate", "no constraint is given"]),
        ("gate.constraints=5", ["gate.constraints.0", "5"]),
        ("gate=5", ["gate", "5"]),
        ("gate.limit.low=0.1", ["gate.limit", "number"]),
        ("name.c=x", ["name", "string"]),
        ("cache=maybe", ["cache", "'maybe'"]),
        ("name=a b", ["name", "'a b'"]),
        ("name=../elsewhere", ["name", "'../elsewhere'"]),
        ("data.stand_in.images=10", ["data.stand_in.images", "200", "10"]),
        ("data.features.image.channels=4", ["data.features.image.channels", "3 (colour)", "4"]),
        ("data.features.image.height=2", ["data.features.image.height", "4", "2"]),
        ("data.features.label.positive=0", ["data.features.label", "two different values"]),
        ("data.features.label.positive=happy", ["data.features.label", "'happy'", "same type"]),
        ("data.features.groups={}", ["data.features.groups", "no group feature is named"]),
        (
            "data.features.groups={A: {name: a, values: {One: 1}}}",
            ["data.features.groups.A", "at least two"],
        ),
        (
            "data.features.groups={A: {name: a, values: {One: 1, Two: 1}}}",
            ["data.features.groups.A", "share a raw value"],
        ),
        (
            "data.features.groups={A: {name: a, values: {One: 1, Two: two}}}",
            ["data.features.groups.A", "mix numbers and text"],
        ),
        (
            'data.features.groups={A: {name: a, values: {"On]e": 1, Two: 2}}}',
            ["data.features.groups.A", "'On]e'", "not usable as a name"],
        ),
        (
            'data.features.groups={" ": {name: a, values: {One: 1, Two: 2}}}',
            ["data.features.groups", "not usable as a name"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_value_is_named_with_what_was_expected(assignment, parts):
    message = refused(assignment)
    for part in parts:
        assert part in message, message


@pytest.mark.parametrize(
    "assignment", ["gate.limit", "=3", "gate..limit=3", ".gate=1", "gate.=1", ""]
)
def test_an_assignment_without_a_path_and_a_value_shows_how_one_looks(assignment):
    message = refused(assignment)
    assert f"--set {assignment}" in message and "gate.limit=0.02" in message


@pytest.mark.parametrize("element", ["1", "9", "-1", "first"])
def test_an_element_that_a_list_does_not_have_is_refused(element):
    message = refused(f"gate.constraints.{element}=FPR <= 0.5")
    assert "gate.constraints is a list of 1" in message and repr(element) in message


def test_a_picture_network_for_a_table_is_refused_early(tmp_path):
    file = write(tmp_path / "table.yaml", "data: {features: {numeric: [age]}}")
    assert load([file]).data.features.image is None
    message = refused("trainer.network=cnn", files=(file,))
    assert "trainer.network: 'cnn' looks at pictures, but data.features has no image" in message


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("nothing", ["", "null", '""'])
def test_a_split_without_a_pattern_is_refused(split, nothing):
    text = refused(f"data.splits.{split}={nothing}")
    assert f"data.splits.{split}: no pattern is given" in text
    assert "give the pattern of this split's files" in text


def test_two_splits_of_one_pattern_are_refused():
    text = refused("data.splits.test=*-validation.tfrecord*")
    assert (
        "data.splits: validation and test are the same pattern ('*-validation.tfrecord*')" in text
    )
    assert "give each split its own files" in text


def test_a_gate_without_an_attempt_is_refused():
    assert "gate.attempts" in refused("gate.attempts=0")


def test_a_limit_of_several_constraints_is_refused(tmp_path):
    file = write(tmp_path / "two.yaml", 'gate: {constraints: ["FPR <= 0.5", "FNR <= 0.5"]}')
    message = refused("gate.limit=0.1", files=(file,))
    assert "limit (0.1) would replace the limits of 2 constraints" in message


def test_a_gate_refuses_what_counts_cannot_tell_and_says_that_it_can_be_trained_on():
    message = refused("gate.constraints.0=0.1 + AUC | [Young] >= 0.9")
    assert "gate.constraints.0" in message and "can be trained on, not gated" in message
    lines = message.splitlines()
    [number] = [i for i, line in enumerate(lines) if line.strip() == "^"]
    assert lines[number - 1][lines[number].index("^") :].startswith("AUC")


@pytest.mark.parametrize("field", ["gate", "trainer"])
@pytest.mark.parametrize(
    ("constraint", "at", "parts"),
    [
        ("max_gap(FPR, [Young] <= 0.05", "<=", ["expected"]),
        ("max_gap(FRP, [Young]) <= 0.05", "FRP", ["FRP", "'FPR'"]),
        ("max_gap(FPR, [Yuong]) <= 0.05", "Yuong", ["Yuong", "Young"]),
        ("FPR | [Not Youngg] <= 0.05", "Not Youngg", ["Not Youngg", "Not Young"]),
        ("FPR = 0.05", "=", []),
        ("FPR <= low", "low", []),
    ],
)
def test_a_constraint_that_does_not_parse_is_pointed_at(field, constraint, at, parts):
    message = refused(f"{field}.constraints.0={constraint}")
    assert f"{field}.constraints.0" in message
    lines = message.splitlines()
    [number] = [i for i, line in enumerate(lines) if line.strip() == "^"]
    shown, caret = lines[number - 1], lines[number].index("^")
    assert shown.strip() == constraint
    # At the name itself, or at the bracket that opens it.
    assert caret in (shown.index(at), shown.index(at) - 1)
    for part in parts:
        assert part in message


def test_a_constraint_that_cannot_be_trained_on_is_refused_for_the_trainer_alone():
    line = "FPR | [Young] / (FPR | [Not Young] - 0.5) <= 0.02"  # a divisor that may be negative
    assert "trainer.constraints.0" in refused(f"trainer.constraints.0={line}")
    assert load([], [f"gate.constraints.0={line}"]).gate.constraints == (line,)


def test_other_groups_with_the_default_constraints_name_the_constraint_to_change():
    message = refused("data.features.groups={Male: {name: m, values: {M: 1, F: 0}}}")
    assert ".constraints.0" in message and "[Young]" in message and "Male" in message


def test_a_missing_file_is_named():
    message = refused(files=("no/such.yaml",))
    assert "no/such.yaml: no such file" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [("gate: [", "not valid YAML"), ("- gate", "found list"), ("just words", "found str")],
)
def test_a_file_that_holds_no_settings_is_named(tmp_path, text, expected):
    file = write(tmp_path / "bad.yaml", text)
    message = refused(files=(file,))
    assert file in message and expected in message


def test_a_folder_is_no_settings_file(tmp_path):
    assert f"{tmp_path}: no such file" in refused(files=(str(tmp_path),))


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named_with_its_field(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("NOWHERE_SET", raising=False)
    else:
        monkeypatch.setenv("NOWHERE_SET", value)
    message = refused("deploy.vertex.project=${NOWHERE_SET}")
    assert "deploy.vertex.project" in message
    assert "'NOWHERE_SET' is not set" in message


@pytest.mark.parametrize(
    ("assignment", "parts"),
    [
        ("deploy.resources={ConstrainedTrainer: {cpu: 4}}", ("deploy.trainer",)),
        ("deploy.trainer.replicas=2", ("replicas = 2", "job")),
        ("deploy.vertex.accelerator_type=nvidia.com/gpu", ("deploy.vertex.accelerator_type",)),
        ("deploy.vertex.labels={Team: faces}", ("deploy.vertex.labels.Team",)),
        (
            "deploy.kubeflow.accelerator_resource=NVIDIA_TESLA_T4",
            ("deploy.kubeflow.accelerator_resource",),
        ),
        (
            "deploy.kubeflow.volumes=[{claim: a, path: relative}]",
            ("deploy.kubeflow.volumes.0.path",),
        ),
    ],
)
def test_a_deployment_that_cannot_be_is_refused(assignment, parts):
    message = refused(assignment)
    for part in parts:
        assert part in message


def test_a_setting_below_a_plain_value_is_one_message():
    with pytest.raises(
        SettingsError, match=r"data\.features\.numeric\.0 is 'age', which has no 'name'"
    ):
        load([], ["data.features.numeric=[age]", "data.features.numeric.0.name=years"])
