"""What a cluster needs to be told, and what it cannot read: refused here, with the setting's name."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from fairgate.errors import SettingsError
from pipeline.called import called
from pipeline.deployment import OTHERS
from pipeline.settings import Settings

Target = Literal["vertex", "kubeflow"]

# Where Vertex AI mounts Cloud Storage in every container.
_VERTEX_MOUNT = "/gcs/"
_ROOTS = {"vertex": ("gs://",), "kubeflow": ("gs://", "s3://", "minio://")}
# What Vertex's model registry allows as a model's id.
_MODEL = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
# TFX's compiler allows no others.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")


def require(settings: Settings, target: Target) -> None:
    """Raises SettingsError, with one line for each setting that `target` cannot work with."""
    problems = [*_problems(settings, target)]
    if problems:
        raise SettingsError(f"not ready for {target}:\n  " + "\n  ".join(problems))


def require_known_components(settings: Settings, nodes: Sequence[str]) -> None:
    """Raises SettingsError where `deploy.resources` names what is no component."""
    known = {OTHERS, *nodes, *(node.split(".")[0] for node in nodes)}
    for name in settings.deploy.resources:
        if name not in known:
            raise SettingsError(
                f"deploy.resources.{name}: no such component; known here: {', '.join(sorted(known))}"
            )


def serving_folder(settings: Settings) -> str:
    """The folder that a model server watches, as the cluster sees it."""
    return settings.deploy.serving or settings.serving


def runs_folder(settings: Settings) -> str | None:
    """The folder for what outlives a run, as components see it; none where nothing is writable."""
    deploy = settings.deploy
    if deploy.runs is not None:
        return deploy.runs
    if (deploy.pipeline_root or "").startswith("gs://"):
        return deploy.pipeline_root
    volumes = deploy.kubeflow.volumes
    return f"{volumes[0].path.rstrip('/')}/runs" if volumes else None


def _problems(settings: Settings, target: Target) -> Iterator[str]:
    deploy = settings.deploy
    if not _NAME.fullmatch(settings.name):
        yield (
            f"name = {settings.name!r}: on a cluster, a name has small letters, digits and hyphens; "
            f"try --set name={re.sub('[^a-z0-9]+', '-', settings.name.lower()).strip('-')}"
        )
    if deploy.image is None:
        yield "deploy.image is not set: name the container image that components run in"
    roots = _ROOTS[target]
    if deploy.pipeline_root is None:
        yield f"deploy.pipeline_root is not set: name a folder for artifacts, {' or '.join(roots)}"
    elif not deploy.pipeline_root.startswith(roots):
        yield f"deploy.pipeline_root = {deploy.pipeline_root!r}: expected {' or '.join(roots)}"
    if settings.data.path is None:
        yield (
            "data.path is not set: the stand-in is made on this machine, where a cluster cannot read "
            f"it. Make it ({called()} data), copy {settings.data.folder} to where it can, and "
            "name that folder"
        )
    else:
        yield from _out_of_reach("data.path", settings.data.path, settings, target)
    field = "deploy.serving" if deploy.serving is not None else "serving"
    yield from _out_of_reach(field, serving_folder(settings), settings, target)
    if settings.ledger is not None:
        yield from _out_of_reach("ledger", settings.ledger, settings, target)
    runs = runs_folder(settings)
    if runs is not None:
        yield from _out_of_reach("deploy.runs", runs, settings, target)
    elif deploy.pipeline_root is not None:
        yield (
            "deploy.runs is not set: components write there themselves, and cannot to "
            f"{deploy.pipeline_root!r}; expected {_readable(settings, target)}"
        )
    yield from _schema_problems(settings, target)
    if target == "vertex" and deploy.vertex.endpoint is not None:
        yield from _endpoint_problems(settings)
    if settings.gate.compare_with != "baseline":
        yield (
            f"gate.compare_with = {settings.gate.compare_with!r}: the model to compare with is read on "
            "this machine when the run begins; on a cluster choose baseline"
        )
    if target == "kubeflow" and settings.trainer.warm_start == "blessed":
        yield (
            "trainer.warm_start = 'blessed': looking up the last blessed model takes a resolver, which "
            "open-source Kubeflow Pipelines does not run; choose served, which starts from the newest "
            "version in the serving folder, or baseline"
        )


def _schema_problems(settings: Settings, target: Target) -> Iterator[str]:
    """A relative path is one below the image's working folder, which holds what this one does."""
    file = settings.data.schema_file
    path = pathlib.PurePosixPath(file)
    if path.is_absolute() or "://" in file:
        yield from _out_of_reach("data.schema_file", file, settings, target)
    elif ".." in path.parts or not pathlib.Path(file).is_file():
        yield (
            f"data.schema_file = {file!r}: expected a file below this folder, which goes into the "
            f"image, or one that the cluster can read ({_readable(settings, target)})"
        )


def _endpoint_problems(settings: Settings) -> Iterator[str]:
    cloud = settings.deploy.vertex
    for field in ("project", "region"):
        if getattr(cloud, field) is None:
            yield f"deploy.vertex.{field} is not set: deploy.vertex.endpoint needs it"
    if not _MODEL.fullmatch(settings.model_name):
        yield (
            f"model_name = {settings.model_name!r}: in Vertex's model registry, a name has small "
            "letters, digits, hyphens and underscores, and starts with a letter"
        )
    if not serving_folder(settings).startswith("gs://"):
        yield (
            f"deploy.serving = {serving_folder(settings)!r}: an endpoint takes its model from gs:// alone"
        )


def _out_of_reach(field: str, path: str, settings: Settings, target: Target) -> Iterator[str]:
    if path.startswith(("gs://", *_mounts(settings, target))):
        return
    yield (
        f"{field} = {path!r}: components on a cluster cannot reach it; expected "
        f"{_readable(settings, target)}"
    )


def _mounts(settings: Settings, target: Target) -> list[str]:
    if target == "vertex":
        return [_VERTEX_MOUNT]
    return [volume.path.rstrip("/") + "/" for volume in settings.deploy.kubeflow.volumes]


def _readable(settings: Settings, target: Target) -> str:
    if target == "vertex":
        return "gs://..."
    mounts = _mounts(settings, target)
    below = ", ".join(mounts) if mounts else "a volume named in deploy.kubeflow.volumes"
    return f"gs://... or a folder below {below}"
