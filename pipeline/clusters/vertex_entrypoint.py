"""What every container runs on Vertex AI: TFX's entry point, with outputs that start empty.

A try after the first gets the very folders of the one that failed. What that one left there would
stop a component that copies files, and mix with the files of one that writes shards; and half an
ExecutorOutput would stop them all.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

# They find the job that an earlier try started, which may be writing.
_KEEPS = "components.constrained_trainer.launchers."


def main(arguments: list[str]) -> None:
    """Runs one component; raises what it raised."""
    options, beam_arguments = parse(arguments)
    invocation = json.loads(options.json_serialized_invocation_args)
    if not options.executor_class_path.startswith(_KEEPS):
        empty_outputs(invocation)
    drop_half_written(invocation.get("outputs", {}).get("outputFile", ""))

    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    kubeflow_v2_run_executor._run_executor(options, beam_arguments)


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The arguments of TFX's entry point, and Beam's."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", required=True)
    return parser.parse_known_args(arguments)


def empty_outputs(invocation: dict[str, Any]) -> None:
    """Removes what is in the folders of the output artifacts of an ExecutorInput."""
    from components import folders

    for listed in invocation.get("outputs", {}).get("artifacts", {}).values():
        for artifact in listed.get("artifacts", []):
            folders.remove(artifact["uri"])


def drop_half_written(output_file: str) -> None:
    """Removes an ExecutorOutput that is not whole; a whole one may be the driver's, and is kept."""
    from tfx.dsl.io import fileio

    if not output_file or not fileio.exists(output_file):
        return
    with fileio.open(output_file, "r") as file:
        text = file.read()
    try:
        json.loads(text)
    except json.JSONDecodeError:
        fileio.remove(output_file)


if __name__ == "__main__":
    main(sys.argv[1:])
