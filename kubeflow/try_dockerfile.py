"""Carries out the steps of the Dockerfile without a container engine, and says how large the result is.

    sudo python3 kubeflow/try_dockerfile.py --base FOLDER --work FOLDER [--target cpu] [--set NAME=VALUE]

--base holds a clean userland of the base image's distribution (`debootstrap --variant=minbase bookworm
FOLDER`). Every stage is a layer over its parent (overlayfs), RUN is a chroot, USER and ENV hold, and the
HEALTHCHECK is run at the end. It is no substitute for a build: layers are not made into an image.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # run by path, from anywhere

from tools import chroot  # noqa: E402

_FROM = re.compile(r"(\S+) AS (\S+)")


@dataclass
class Stage:
    """A stage of the Dockerfile, and what its steps have set so far."""

    name: str
    parent: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str | None = None
    health: list[str] | None = None


def stages(dockerfile: str) -> dict[str, Stage]:
    """The stages by name, arguments filled in."""
    arguments: dict[str, str] = {}
    found: dict[str, Stage] = {}
    for line in dockerfile.replace("\\\n", " ").splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if not instruction or instruction.startswith("#"):
            continue
        if instruction == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif instruction == "FROM":
            rest = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], rest)
            parent, name = _FROM.fullmatch(rest).groups()
            found[name] = Stage(name, parent)
        else:
            next(reversed(found.values())).steps.append((instruction, rest))
    return found


class Builder:
    """Carries out stages, each once, below `work`."""

    def __init__(self, plan: dict[str, Stage], base: pathlib.Path, work: pathlib.Path, extra: dict):
        self._plan, self._base, self._work, self._extra = plan, base, work, extra
        self._layers: dict[str, list[pathlib.Path]] = {}

    def build(self, name: str) -> Stage:
        """Carries out the stage and those before it; its layers can then be `mounted`."""
        stage = self._plan[name]
        if name in self._layers:
            return stage
        if stage.parent in self._plan:
            parent = self.build(stage.parent)
            stage.environment |= parent.environment
            stage.folder, stage.user = parent.folder, parent.user
            stage.health = parent.health
            below = self._layers[stage.parent]
        else:
            print(f"[{name}] FROM {stage.parent}: {self._base} takes its place", flush=True)
            below = [self._base]
        for _, rest in stage.steps:
            if (source := re.match(r"--from=(\S+)", rest)) is not None:
                self.build(source[1])
        own = self._work / name / "layer"
        own.mkdir(parents=True)
        self._layers[name] = [own, *below]
        with self.mounted(name) as root:
            for instruction, rest in stage.steps:
                began = time.monotonic()
                print(f"[{name}] {instruction} {rest}", flush=True)
                self._step(stage, root, instruction, rest)
                print(f"    {time.monotonic() - began:.0f} s", flush=True)
        print(f"[{name}] layer: {size(own) / 1e6:.0f} MB", flush=True)
        return stage

    def mounted(self, name: str) -> contextlib.AbstractContextManager[pathlib.Path]:
        """The file system of a stage; what is written goes into its own layer."""
        own, *below = self._layers[name]
        return chroot.layer(below, own, self._work / name)

    def run(self, stage: Stage, root: pathlib.Path, command: list[str]) -> None:
        """Runs a command as RUN does: in the stage's folder, environment and user."""
        variables = {"HOME": "/root"} | self._extra | stage.environment
        chroot.run(root, command, variables, folder=stage.folder, user=stage.user)

    def _step(self, stage: Stage, root: pathlib.Path, instruction: str, rest: str) -> None:
        if instruction == "RUN":
            self.run(stage, root, ["sh", "-c", rest])
        elif instruction == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif instruction == "WORKDIR":
            stage.folder = rest
            (root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction == "USER":
            stage.user = rest
        elif instruction == "HEALTHCHECK":
            stage.health = json.loads(rest[rest.index("CMD") + 3 :])
        elif instruction == "COPY" and rest.startswith("--from="):
            source, path, target = rest.removeprefix("--from=").split()
            with self.mounted(source) as other:
                _copy(other / path.lstrip("/"), root / target.lstrip("/"))
        elif instruction == "COPY":
            *paths, target = rest.split()
            for path in paths:
                place = root / stage.folder.lstrip("/") / target
                into = target.endswith("/")
                _copy(ROOT / path, place / pathlib.Path(path).name if into else place)
        elif instruction not in ("CMD", "ENTRYPOINT"):
            raise SystemExit(f"{instruction}: not known here")


def size(folder: pathlib.Path) -> int:
    """Bytes of the files below `folder`, hard links once."""
    seen, total = set(), 0
    for path in folder.rglob("*"):
        found = path.lstat()
        if path.is_file() and not path.is_symlink() and found.st_ino not in seen:
            seen.add(found.st_ino)
            total += found.st_size
    return total


def _copy(source: pathlib.Path, target: pathlib.Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)
        for cache in target.rglob("__pycache__") if source.is_relative_to(ROOT) else ():
            shutil.rmtree(cache)
    else:
        shutil.copyfile(source, target)


def main() -> None:
    """Carries out what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--base", type=pathlib.Path, required=True, help="userland of the base image"
    )
    parser.add_argument("--work", type=pathlib.Path, required=True, help="empty folder for layers")
    parser.add_argument("--target", default="cpu", help="stage to carry out")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="RUN sees it"
    )
    options = parser.parse_args()
    chroot.with_own_mounts()
    plan = stages((ROOT / "kubeflow" / "Dockerfile").read_text())
    extra = dict(pair.split("=", 1) for pair in options.set)
    builder = Builder(plan, options.base, options.work.resolve(), extra)
    stage = builder.build(options.target)
    with builder.mounted(options.target) as root:
        print(f"size of {options.target}: {size(root) / 1e6:.0f} MB", flush=True)
        if stage.health:
            began = time.monotonic()
            builder.run(stage, root, stage.health)
            print(f"healthy (HEALTHCHECK took {time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    sys.exit(main())
