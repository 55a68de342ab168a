"""Beam's options by component, and the overlays for Dataflow, Flink and Spark."""

from __future__ import annotations

from pathlib import Path

import pytest
from apache_beam.options import pipeline_options
from apache_beam.runners.runner import create_runner
from tfx.utils import dependency_utils

from fairgate.errors import SettingsError
from pipeline.dag import NOTHING_PACKED, create_pipeline
from pipeline.settings import load

OVERLAYS = Path(__file__).parents[2] / "kubeflow" / "overlays"
BIG = {"StatisticsGen", "Transform", "Evaluator"}
VARIABLES = {
    "GOOGLE_CLOUD_PROJECT": "a-project",
    "GOOGLE_CLOUD_REGION": "europe-west4",
    "FAIRGATE_BUCKET": "a-bucket",
    "FAIRGATE_BEAM_IMAGE": "registry.example/beam:1",
    "FAIRGATE_FLINK": "flink:8081",
    "FAIRGATE_SPARK": "spark:8099",
    "FAIRGATE_SPARK_ARTIFACTS": "spark:8098",
}


def arguments_by_component(settings) -> dict[str, list[str]]:
    """What TFX hands to each Beam component, pipeline-wide arguments included."""
    return {
        node.id: list(node.executor_spec.beam_pipeline_args)
        for node in create_pipeline(settings).components
        if hasattr(node.executor_spec, "beam_pipeline_args")
    }


@pytest.fixture(params=["dataflow", "flink", "spark"])
def overlay(request, monkeypatch) -> str:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return request.param


def parsed(arguments: list[str]) -> dict[str, object]:
    """The options as Beam's own parser has them; none may be unknown to it."""
    options = pipeline_options.PipelineOptions(arguments)
    known = options.get_all_options(retain_unknown_options=False)
    names = {argument.removeprefix("--").partition("=")[0] for argument in arguments}
    assert names <= set(known), "Beam does not know an option"
    return options.get_all_options()


def test_an_overlay_sets_the_big_components_and_no_others(overlay):
    found = arguments_by_component(load([str(OVERLAYS / f"{overlay}.yaml")]))
    local = arguments_by_component(load())
    assert {name for name in found if found[name] != local[name]} == BIG


@pytest.mark.parametrize(
    "said", ["beam_arguments=[--runner=FlinkRunner]", "cache=true"], ids=["elsewhere", "here"]
)
def test_tfx_is_not_packed_up_for_workers(monkeypatch, said):
    monkeypatch.setattr(dependency_utils, "build_ephemeral_package", lambda: "packed")
    for arguments in arguments_by_component(load([], [said])).values():
        assert dependency_utils.make_beam_dependency_flags(arguments) == arguments


@pytest.mark.parametrize(
    "said", ["--sdk_container_image=registry.example/beam:1", "--setup_file=./setup.py"]
)
@pytest.mark.parametrize("where", ["beam_arguments", "component_beam_arguments.Transform"])
def test_what_workers_are_said_to_run_counts(where, said):
    arguments = arguments_by_component(load([], [f"{where}=[{said}]"]))["Transform"]
    assert said in arguments
    assert NOTHING_PACKED not in arguments


def test_the_options_of_an_overlay_are_beams(overlay):
    found = arguments_by_component(load([str(OVERLAYS / f"{overlay}.yaml")]))
    options = parsed(found["Transform"])
    assert options["beam_plugins"] is None, "workers have what they need"
    expected = {
        "dataflow": {
            "runner": "DataflowRunner",
            "project": "a-project",
            "region": "europe-west4",
            "temp_location": "gs://a-bucket/beam/temp",
            "sdk_container_image": "registry.example/beam:1",
            "max_num_workers": 20,
        },
        "flink": {
            "runner": "FlinkRunner",
            "flink_master": "flink:8081",
            "flink_submit_uber_jar": True,
            "environment_type": "EXTERNAL",
        },
        "spark": {
            "runner": "PortableRunner",
            "job_endpoint": "spark:8099",
            "artifact_endpoint": "spark:8098",
            "environment_config": "registry.example/beam:1",
        },
    }[overlay]
    assert {name: options[name] for name in expected} == expected
    assert type(create_runner(options["runner"])).__name__ == options["runner"]


def test_the_laptop_keeps_its_embedded_runner():
    for arguments in arguments_by_component(load()).values():
        assert parsed(arguments)["runner"].endswith("FnApiRunner")


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    with pytest.raises(SettingsError, match="GOOGLE_CLOUD_PROJECT"):
        load([str(OVERLAYS / "dataflow.yaml")])


def test_a_component_without_beam_is_refused():
    with pytest.raises(SettingsError, match=r"component_beam_arguments\.Pusher"):
        load([], ["component_beam_arguments={Pusher: [--runner=DataflowRunner]}"])
