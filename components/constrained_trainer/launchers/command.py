"""The command that every worker of a job runs."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.types import artifact_utils

# What tells a component to train in a job; its workers must not be told.
WORKERS = "workers"
EXECUTOR = "components.constrained_trainer.executor.Executor"


def worker_command(
    input_dict: dict[str, list[types.Artifact]],
    output_dict: dict[str, list[types.Artifact]],
    exec_properties: dict[str, Any],
) -> list[str]:
    """TFX's command that runs the component's own executor on these artifacts.

    Both platforms replace `$(NAME)` in a command by a variable's value and `$$` by `$`, hence the
    doubled ones.
    """
    own = {name: value for name, value in exec_properties.items() if name != WORKERS}
    command = ["python", "-m", "tfx.scripts.run_executor"]
    for flag, value in (
        ("--executor_class_path", EXECUTOR),
        ("--inputs", artifact_utils.jsonify_artifact_dict(input_dict)),
        ("--outputs", artifact_utils.jsonify_artifact_dict(output_dict)),
        ("--exec-properties", json.dumps(own, sort_keys=True)),
    ):
        command += [flag, value.replace("$", "$$")]
    return command
