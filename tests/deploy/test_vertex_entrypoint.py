"""What a try that failed left behind is gone before the next one begins."""

from __future__ import annotations

import pytest

from pipeline.clusters import vertex_entrypoint as entrypoint


@pytest.mark.parametrize(
    ("executor", "left"),
    [
        ("components.example_gen.executor.Executor", []),
        # A job may be writing there still.
        ("components.constrained_trainer.launchers.vertex.Executor", ["half"]),
    ],
)
def test_outputs_are_empty_when_a_component_starts(tmp_path, monkeypatch, executor, left):
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "half").touch()
    (tmp_path / "other").mkdir()
    seen = []

    def run(options, beam_arguments):
        folder = tmp_path / "model"
        seen.append([p.name for p in folder.iterdir()] if folder.exists() else [])
        assert beam_arguments == ["--runner=R"]

    monkeypatch.setattr(kubeflow_v2_run_executor, "_run_executor", run)
    artifacts = ", ".join(
        f'"{name}": {{"artifacts": [{{"uri": "{tmp_path / name}"}}]}}' for name in ("model", "none")
    )
    entrypoint.main(
        [
            *("--executor_class_path", executor),
            *(
                "--json_serialized_invocation_args",
                f'{{"outputs": {{"artifacts": {{{artifacts}}}}}}}',
            ),
            *("--json_serialized_inputs_spec_args", "{}"),
            "--runner=R",
        ]
    )
    assert seen == [left]
    assert (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("text", "stays"), [("", False), ('{"artifacts": {', False), ('{"artifacts": {}}', True)]
)
def test_half_an_output_of_a_try_that_was_killed_is_no_output(tmp_path, text, stays):
    file = tmp_path / "executor_output.json"
    file.write_text(text)
    entrypoint.drop_half_written(str(file))
    assert file.exists() == stays


def test_there_need_not_be_an_output_yet(tmp_path):
    entrypoint.drop_half_written(str(tmp_path / "executor_output.json"))
    entrypoint.drop_half_written("")
