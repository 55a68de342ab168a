"""A tiny dataset in a bucket, settings for a cluster, and `kubeflow/compile.py` as a user runs it."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.deploy.commands import REPOSITORY
from tests.e2e.runs import Workplace
from tests.tiny_dataset import World, write_dataset

BUCKET = "gs://bucket"
_COMPILE = runpy.run_path(str(REPOSITORY / "kubeflow" / "compile.py"))


@dataclass(frozen=True)
class Cluster:
    """A folder that is a bucket to Vertex AI and a volume to Kubeflow Pipelines."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Cluster:
        """Writes the dataset and the settings files."""
        world = World()
        write_dataset(folder / "data", world)
        Workplace(folder, world)
        made = cls(folder)
        vertex = {
            "data": {
                "path": f"{BUCKET}/data",
                "schema_file": f"{BUCKET}/data/schema.pbtxt",
            },
            "deploy": {
                "image": "registry.example/fairgate:1",
                "pipeline_root": f"{BUCKET}/runs",
                "runs": f"{BUCKET}/vertex-runs",
                "serving": f"{BUCKET}/vertex-serving",
            },
        }
        kubeflow = {
            "deploy": {
                "image": "registry.example/fairgate:1",
                "pipeline_root": "minio://bucket/runs",
                "runs": str(folder / "kubeflow-runs"),
                "serving": str(folder / "kubeflow-serving"),
                "kubeflow": {"volumes": [{"claim": "fairgate", "path": str(folder)}]},
            }
        }
        for target, tree in (("vertex", vertex), ("kubeflow", kubeflow)):
            (folder / f"{target}.yaml").write_text(yaml.safe_dump(tree))
        return made

    def compile(self, target: str, *assignments: str) -> Path:
        """Compiles for `target`; returns the file."""
        output = self.folder / f"build-{len([*self.folder.glob('build-*')])}"
        files = [self.folder / "settings.yaml", self.folder / f"{target}.yaml"]
        status = _COMPILE["main"](
            [
                *(part for file in files for part in ("--settings", str(file))),
                *(part for assignment in assignments for part in ("--set", assignment)),
                *("--target", target, "--output", str(output)),
            ]
        )
        assert status == 0
        [file] = output.iterdir()
        return file

    def served(self, target: str) -> list[Path]:
        """What a model server would load: the versions of the model that `target` pushed."""
        folder = self.folder / f"{target}-serving" / "happy"
        return sorted(folder.glob("[0-9]*")) if folder.is_dir() else []
