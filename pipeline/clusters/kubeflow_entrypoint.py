"""What every container runs on open-source Kubeflow Pipelines: TFX's entry point, made to fit.

Kubeflow's launcher downloads inputs to local copies and uploads outputs from them, and describes both
differently from Vertex AI: an artifact `executor-logs` that no component declared, inputs without
their types and names, URIs that TensorFlow cannot open. All that is put right before TFX's entry point
starts, and undone in what it leaves for the launcher.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from pipeline.clusters import vertex_entrypoint

# The launcher keeps its copies at the root of the file system; a simulation puts them elsewhere.
COPIES = "FAIRGATE_LAUNCHER_COPIES"
_FOLDERS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}
_LOGS = "executor-logs"


def main(arguments: list[str]) -> None:
    """Runs one component; raises what it raised."""
    options, beam_arguments = vertex_entrypoint.parse(arguments)
    invocation = json.loads(options.json_serialized_invocation_args)
    fit(invocation, json.loads(options.json_serialized_inputs_spec_args))
    options.json_serialized_invocation_args = json.dumps(invocation)

    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    kubeflow_v2_run_executor._run_executor(options, beam_arguments)
    restore_uris(invocation["outputs"]["outputFile"])


def fit(invocation: dict[str, Any], inputs_spec: dict[str, Any]) -> None:
    """Changes an ExecutorInput as Kubeflow writes it into one as TFX's entry point expects it.

    Args:
      invocation: the ExecutorInput, as JSON has it; changed in place.
      inputs_spec: the ComponentInputsSpec, which knows the types of the inputs.
    """
    inputs = invocation.get("inputs", {}).get("artifacts", {})
    outputs = invocation.get("outputs", {}).get("artifacts", {})
    outputs.pop(_LOGS, None)
    for key, listed in inputs.items():
        for artifact in listed.get("artifacts", []):
            artifact["type"] = inputs_spec["artifacts"][key]["artifactType"]
            # TFX tells models apart by what it makes of their names.
            artifact["name"] = artifact.get("name") or artifact["uri"]
    for listed in (*inputs.values(), *outputs.values()):
        for artifact in listed.get("artifacts", []):
            artifact["uri"] = local_copy(artifact["uri"])


def local_copy(uri: str) -> str:
    """Where the launcher keeps its copy of `uri`; `uri` itself where it makes none."""
    for scheme, folder in _FOLDERS.items():
        if uri.startswith(scheme):
            return os.environ.get(COPIES, "") + folder + uri.removeprefix(scheme)
    return uri


def restore_uris(output_file: str) -> None:
    """Puts the artifacts' own URIs back into the ExecutorOutput in `output_file`."""
    with open(output_file) as file:
        output = json.load(file)
    for listed in output.get("artifacts", {}).values():
        for artifact in listed.get("artifacts", []):
            artifact["uri"] = _original(artifact["uri"])
    with open(output_file, "w") as file:
        json.dump(output, file)


def _original(path: str) -> str:
    """The inverse of `local_copy`."""
    for scheme, folder in _FOLDERS.items():
        copies = os.environ.get(COPIES, "") + folder
        if path.startswith(copies):
            return scheme + path.removeprefix(copies)
    return path


if __name__ == "__main__":
    main(sys.argv[1:])
