"""The card for programs: TensorFlow's schema, and Hugging Face's metadata."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from components.report import card_formats, page
from tests.components.report import sample
from tests.components.report.test_page import HOSTILE

ABOUT = {"title": "Smiles", "owner": "Team F", "contact": "f@example.org", "licence": "Apache-2.0"}
# Field -> its fields, as version 0.0.2 of the schema of TensorFlow's Model Card Toolkit has them.
FIELDS = {
    "": {
        "schema_version",
        "model_details",
        "model_parameters",
        "quantitative_analysis",
        "considerations",
    },
    "model_details": {
        "name",
        "overview",
        "documentation",
        "owners",
        "version",
        "licenses",
        "references",
        "citations",
    },
    "model_parameters": {"model_architecture", "data", "input_format", "output_format"},
    "quantitative_analysis": {"performance_metrics", "graphics"},
    "considerations": {
        "users",
        "use_cases",
        "limitations",
        "tradeoffs",
        "ethical_considerations",
    },
}


def with_about(data, **said):
    settings = yaml.safe_load(data.settings) | {"about": ABOUT | said}
    return replace(data, settings=yaml.safe_dump(settings))


@pytest.mark.parametrize("blessed", [True, False])
def test_the_card_has_the_fields_of_tensorflows_schema_and_no_others(blessed):
    card = json.loads(card_formats.tensorflow_card(with_about(sample.report(blessed=blessed))))
    assert card["schema_version"] == "0.0.2" and set(card) == FIELDS[""]
    for name in FIELDS.keys() - {""}:
        assert set(card[name]) <= FIELDS[name]
    assert card["model_details"]["owners"] == [{"name": "Team F", "contact": "f@example.org"}]
    assert card["model_details"]["licenses"] == [{"identifier": "Apache-2.0"}]
    assert card["model_details"]["version"]["date"] == "2026-11-22"
    assert card["considerations"]["use_cases"] == [{"description": "Tests alone."}]
    for risk in card["considerations"]["ethical_considerations"]:
        assert set(risk) == {"name", "mitigation_strategy"}


def test_its_metrics_are_the_verdicts():
    data = sample.report()
    card = json.loads(card_formats.tensorflow_card(data))
    metrics = {
        (row["type"], row.get("slice")): row["value"]
        for row in card["quantitative_analysis"]["performance_metrics"]
    }
    model = data.verdict["models"]["constrained"]
    assert metrics["false positive rate", "Old"] == model["groups"]["Old"]["fpr"]
    assert metrics["accuracy", "everybody"] == model["accuracy"]
    assert metrics["max_gap(FPR, [Age]), 95% upper bound", None] == 0.0423
    assert all(isinstance(value, float) for value in metrics.values())


def test_what_nobody_said_is_left_out_and_another_licence_is_text():
    card = json.loads(card_formats.tensorflow_card(sample.bare(sample.report())))
    assert "owners" not in card["model_details"] and "licenses" not in card["model_details"]
    said = with_about(sample.report(), licence="Ask the legal department first.")
    card = json.loads(card_formats.tensorflow_card(said))
    assert card["model_details"]["licenses"] == [{"custom_text": "Ask the legal department first."}]


def test_hugging_face_reads_the_front_matter():
    readme = card_formats.huggingface_card(with_about(sample.report()))
    _, front, body = readme.split("---\n", 2)
    found = yaml.safe_load(front)
    assert found["license"] == "apache-2.0" and found["pipeline_tag"] == "image-classification"
    [result] = found["model-index"][0]["results"]
    # What the hub's reader insists on.
    assert set(result["task"]) == {"type"} and {"name", "type"} <= set(result["dataset"])
    assert all({"type", "value"} <= set(metric) for metric in result["metrics"])
    assert body.strip() == page.model_card(with_about(sample.report())).strip()


def test_a_sealed_run_gives_no_figure_of_its_test_split_away():
    open_one, data = sample.report(blessed=False), sample.sealed()
    row = open_one.verdict["gate"][0]
    for text in card_formats.files(data).values():
        assert str(row["upper_bound"]) not in text and "0.0875" not in text
    metrics = json.loads(card_formats.tensorflow_card(data))["quantitative_analysis"]
    assert {metric["split"] for metric in metrics["performance_metrics"]} == {"validation"}


def test_without_a_solution_and_with_hostile_names_every_form_is_made():
    for data in (sample.without_solution(), with_about(sample.report((HOSTILE, "a: [b]")))):
        files = card_formats.files(data)
        json.loads(files["model_card.json"])
        yaml.safe_load(files["model_card_huggingface.md"].split("---\n", 2)[1])
        assert "<script" not in files["model_card.html"]
