"""The pipeline as it is built from the settings: order, wiring and what each component is told."""

from __future__ import annotations

import json

import pytest
from tfx.utils import json_utils

from components.constrained_trainer.component import ConstrainedTrainer
from components.constrained_trainer.config import GateTarget, TrainingConfig
from components.features import Features
from fairgate.errors import SettingsError
from pipeline.dag import BASELINE, CONSTRAINED, create_pipeline
from pipeline.settings import load

THREE = (
    "data.features.groups={Age: {name: age, values: {Young: 2, Old: 0, Middle: 1}},"
    " Hat: {name: hat, values: {With: 1, Bare: 0}}}"
)
SETTINGS = load(
    [],
    [
        THREE,
        "trainer.constraints.0=FPR | [Old] <= 0.1",
        "gate.constraints.0=max_gap(FPR, [Age]) <= 0.05",
    ],
)


EVERY_READER = {"ImportExampleGen", "Transform", BASELINE, CONSTRAINED, "Report"}


def nodes(settings):
    return {node.id: node for node in create_pipeline(settings).components}


@pytest.fixture(scope="module")
def dag():
    return nodes(SETTINGS)


def test_it_reads_like_the_design(dag):
    assert list(dag) == [
        "ImportExampleGen",
        "ImportSchemaGen",
        "StatisticsGen",
        "ExampleValidator",
        "Transform",
        BASELINE,
        CONSTRAINED,
        "Evaluator",
        "Report",
        "Pusher",
    ]


def test_no_model_is_pushed_without_its_report(dag):
    assert dag["Report"] in dag["Pusher"].upstream_nodes
    inputs = {key: channel.producer_component_id for key, channel in dag["Report"].inputs.items()}
    assert inputs["model"] == inputs["model_run"] == CONSTRAINED
    assert inputs["baseline_model"] == inputs["baseline_run"] == BASELINE


def test_nothing_is_trained_before_the_examples_are_valid(dag):
    assert dag["ExampleValidator"] in dag["Transform"].upstream_nodes


@pytest.mark.parametrize(
    ("table", "analyzed"),
    [("numeric=[age]", "train"), ("categorical=[hat]", "train"), ("", "validation")],
)
def test_transform_learns_from_training_data_alone_and_never_sees_the_test_split(table, analyzed):
    assignments = [f"data.features.{table}"] if table else []
    transform = nodes(load([], assignments))["Transform"]
    assert json.loads(transform.exec_properties["splits_config"]) == {
        "analyze": [analyzed],
        "transform": ["train", "validation"],
    }


def test_pusher_waits_for_the_blessing(dag):
    assert dag["Pusher"].inputs["model_blessing"].producer_component_id == "Evaluator"
    assert dag["Pusher"].inputs["model"].producer_component_id == CONSTRAINED
    assert dag["Pusher"].inputs["examples"].producer_component_id == "ImportExampleGen"


def test_one_ledger_lies_beside_all_pipelines(dag):
    assert dag["Evaluator"].exec_properties["ledger"] == "runs/ledger"
    assert create_pipeline(SETTINGS).pipeline_info.pipeline_root == "runs/celeba/artifacts"


def test_the_baseline_is_the_same_without_constraints(dag):
    baseline, constrained = (
        json.loads(dag[name].exec_properties["config"]) for name in (BASELINE, CONSTRAINED)
    )
    assert baseline.pop("constraints") == []
    assert constrained.pop("constraints") == ["FPR | [Old] <= 0.1"]
    assert baseline == constrained


def test_every_component_counts_the_groups_in_the_order_of_the_settings(dag):
    # TFX sorts the keys of what it passes on: an index in Transform must mean the same in the trainer.
    order = SETTINGS.data.features.membership_columns()
    config = json_utils.loads(dag["Transform"].exec_properties["custom_config"])
    in_transform = Features.model_validate_json(config["features"])
    in_trainer = Features.model_validate_json(dag[CONSTRAINED].exec_properties["features"])
    assert in_transform.membership_columns() == in_trainer.membership_columns() == order


@pytest.mark.parametrize(
    ("assignment", "changed"),
    [
        ("trainer.steps=77", {BASELINE, CONSTRAINED, "Report"}),
        ("trainer.constraints.0=FPR | [Old] <= 0.2", {CONSTRAINED, "Report"}),
        # The Pusher knows which gate its blessing must come from.
        ("gate.limit=0.001", {"Evaluator", "Pusher", "Report"}),
        ("gate.minimum_negatives=7", {"Evaluator", "Pusher", "Report"}),
        ("gate.attempts=7", {"Evaluator", "Report"}),
        ("runs=elsewhere", {"Evaluator"}),
        ("data.features.label.positive=2", EVERY_READER | {"Evaluator"}),
        ("serving=elsewhere", {"Pusher"}),
        ("data.features.image.height=9", EVERY_READER),
    ],
)
def test_a_setting_changes_the_parameters_of_the_components_it_is_for(dag, assignment, changed):
    other = nodes(
        load(
            [],
            [
                THREE,
                "trainer.constraints.0=FPR | [Old] <= 0.1",
                "gate.constraints.0=max_gap(FPR, [Age]) <= 0.05",
                assignment,
            ],
        )
    )
    differing = {name for name in dag if dag[name].exec_properties != other[name].exec_properties}
    assert differing == changed


BY_GATE = "trainer.selection.rated_by=gate"


def test_a_trainer_that_rates_by_the_gate_is_told_of_it():
    settings = load([], [BY_GATE, "gate.limit=0.07", "gate.confidence=0.9"])
    dag = nodes(settings)
    told = json.loads(dag[CONSTRAINED].exec_properties["gate"])
    assert told == {
        "constraints": ["max_gap(FPR, [Young]) <= 0.07"],
        "confidence": 0.9,
        "minimum_accuracy": settings.gate.minimum_accuracy,
        "units": "betting",
    }
    assert dag[CONSTRAINED].inputs["statistics"].producer_component_id == "StatisticsGen"
    assert "statistics" not in dag[BASELINE].inputs
    assert dag[BASELINE].exec_properties.get("gate") is None


def test_a_gate_without_its_statistics_is_refused():
    dag = nodes(SETTINGS)
    with pytest.raises(SettingsError, match="statistics and gate belong together"):
        ConstrainedTrainer(
            examples=dag["Transform"].outputs["transformed_examples"],
            transform_graph=dag["Transform"].outputs["transform_graph"],
            config=TrainingConfig(),
            features=SETTINGS.data.features,
            gate=GateTarget(constraints=("FPR <= 0.1",), confidence=0.95),
        )


def test_another_limit_of_the_gate_is_another_training_only_where_it_chooses():
    judging = {"Evaluator", "Pusher", "Report"}
    for rated_by, changed in ((BY_GATE, {CONSTRAINED, *judging}), (None, judging)):
        # The confidence would be told, too; what is for display or for the Evaluator alone is not.
        one, other, same = (
            nodes(load([], [*filter(None, [rated_by]), assignment]))
            for assignment in ("gate.limit=0.05", "gate.limit=0.04", "gate.minimum_negatives=7")
        )
        assert {
            name for name in one if one[name].exec_properties != other[name].exec_properties
        } == changed
        assert one[CONSTRAINED].exec_properties == same[CONSTRAINED].exec_properties


def test_the_code_of_a_component_is_among_its_parameters(dag, monkeypatch):
    from components.constrained_trainer import component as trainer
    from components.example_gen import component as example_gen
    from components.fairness_metrics import gate
    from pipeline import dag as dag_module

    for module in (trainer, example_gen, gate, dag_module):
        monkeypatch.setattr(module, "code_fingerprint", lambda *names: "changed")
    other = nodes(SETTINGS)
    differing = {name for name in dag if dag[name].exec_properties != other[name].exec_properties}
    assert differing >= {"ImportExampleGen", "Transform", BASELINE, CONSTRAINED, "Evaluator"}


def test_a_schema_that_was_corrected_is_read_again(tmp_path):
    file = tmp_path / "schema.pbtxt"
    digests = []
    for text in ('feature { name: "a" }', 'feature { name: "b" }', 'feature { name: "a" }'):
        file.write_text(text)
        settings = load([], [f"data.schema_file={file}"])
        [node] = [
            each for each in create_pipeline(settings).components if each.id == "ImportSchemaGen"
        ]
        digests.append(node.exec_properties["digest"])
    assert digests[0] == digests[2] != digests[1]
