"""What is compiled, in a form to be read in a review: python -m tests.deploy.golden writes it anew.

JSON inside of text is laid open, what is said twice is said once, and what changes with every change
of code or of versions is left out.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.commands import REPOSITORY

FOLDER = Path(__file__).parent / "golden"
COMMON = [
    "name=celeba",
    "data.path=gs://bucket/celeb_a/2.1.0",
    "deploy.image=registry.example/fairgate:1",
    "deploy.trainer.image=registry.example/fairgate:1-cuda",
]
VERTEX = [
    *COMMON,
    "deploy.pipeline_root=gs://bucket/runs",
    "deploy.serving=gs://bucket/serving",
    "deploy.vertex={project: project, region: europe-west4, labels: {team: faces},"
    " service_account: fairgate@project.example,"
    " endpoint: {name: smiling, image: 'registry.example/serving:1'}}",
    "trainer.warm_start=blessed",
]
KUBEFLOW = [
    *COMMON,
    "deploy.pipeline_root=minio://mlpipeline/runs",
    "deploy.serving=/mnt/models/serving",
    "deploy.kubeflow.volumes=[{claim: models, path: /mnt/models}]",
    "deploy.kubeflow.trainer_nodes={node_selector: {pool: gpu},"
    " tolerations: [{key: nvidia.com/gpu, effect: NoSchedule}]}",
]

# Digests of code, 16 digits, and of what a gate decides by, code among it, 32.
_FINGERPRINT = re.compile(r"\b(?:[0-9a-f]{16}){1,2}\b")
_OF_OLDER_TFDV = ("_slice_sqls",)  # of the target for Python 3.11
_SPEC_FLAG = "--json_serialized_inputs_spec_args"


def compiled() -> dict[str, str]:
    """Name of each golden file -> what it should hold."""
    from pipeline.clusters import compiling
    from pipeline.settings import load

    vertex = compiling.vertex(load([], VERTEX))
    spec, platform = compiling.kubeflow(load([], KUBEFLOW))
    for name in [name for name in vertex["labels"] if "version" in name]:
        vertex["labels"][name] = "VERSION"
    return {
        "vertex.yaml": _text([readable(vertex)]),
        "kubeflow.yaml": _text([readable(spec), platform]),
    }


def readable(tree: dict[str, Any]) -> dict[str, Any]:
    """`tree`, a PipelineJob or a PipelineSpec, without what only machines need."""
    tree = json.loads(json.dumps(tree))
    spec = tree.get("pipelineSpec", tree)
    spec["sdkVersion"] = "VERSION"
    for component in spec["components"].values():
        executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
        container = executor.get("container", {})
        for command in (container, container.get("lifecycle", {}).get("preCacheCheck", {})):
            arguments = command.get("args", [])
            if _SPEC_FLAG in arguments:
                at = arguments.index(_SPEC_FLAG) + 1
                assert json.loads(arguments[at]) == component["inputDefinitions"]
                arguments[at] = "(inputDefinitions of the component)"
    return _laid_open(tree)


def _laid_open(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _laid_open(value[key]) for key in value if key not in _OF_OLDER_TFDV}
    if isinstance(value, list):
        return [_laid_open(item) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith(("{", "[")) and value != "{{$}}":
        try:
            return {"JSON": _laid_open(json.loads(value))}
        except json.JSONDecodeError:
            pass
    return _FINGERPRINT.sub("CODE", value)


class _Dumper(yaml.SafeDumper):
    """Text of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


def _text(documents: list[Any]) -> str:
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=True, width=100)


if __name__ == "__main__":
    os.chdir(REPOSITORY)
    FOLDER.mkdir(exist_ok=True)
    for name, text in compiled().items():
        (FOLDER / name).write_text(text)
        print(f"wrote {(FOLDER / name).relative_to(REPOSITORY)}")
