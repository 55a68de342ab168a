"""Environments of other libraries: made once, with uv, under `.peers/`.

python_of("modern")      fairlearn, Cooper, humancompatible-train, PyTorch, scikit-learn, on Python 3.11
python_of("thresholds")  OxonFair, error-parity, scikit-learn, on Python 3.11
python_of("mindiff")     TensorFlow Model Remediation, on Python 3.11
python_of("bounds")      MAPIE, fairlearn, statsmodels, scikit-learn, on Python 3.11
python_of("original")    TensorFlow Constrained Optimization with the last TensorFlow that imports
                         it; there are wheels for Python 3.8 to 3.10 only
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".peers"


@dataclass(frozen=True)
class Environment:
    """What an environment holds.

    Attributes:
        pythons: versions "major.minor" that it can be made of, the best first.
        packages: requirements, as pip writes them.
        alone: requirements that are installed without what they ask for.
    """

    pythons: tuple[str, ...]
    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()


ENVIRONMENTS = {
    "modern": Environment(
        ("3.11",),
        (
            "fairlearn==0.15.0",
            "cooper-optim==1.0.1",
            "humancompatible-train==0.4.2",
            "torch==2.13.0",
            "scikit-learn==1.9.1",
        ),
    ),
    # Apart from "modern": error-parity asks for a NumPy before 2.
    "thresholds": Environment(
        ("3.11",), ("oxonfair==0.3", "error-parity==0.3.12", "scikit-learn==1.9.1")
    ),
    "mindiff": Environment(
        ("3.11",),
        (
            "tensorflow-model-remediation==0.1.7.1",
            "tensorflow==2.21.0",
            "tf-keras==2.21.0",  # it is written for Keras 2
            "tensorboard==2.21.0",  # it writes summaries
            "setuptools<81",  # tensorflow-hub imports pkg_resources
        ),
    ),
    "bounds": Environment(
        ("3.11",),
        ("MAPIE==1.6.0", "fairlearn==0.15.0", "statsmodels==0.15.0", "scikit-learn==1.9.1"),
    ),
    "original": Environment(
        ("3.10", "3.9", "3.8"),
        (
            "tensorflow-cpu==2.10.1",
            "scipy<1.12",
            "numpy<1.24",  # TensorFlow 2.10 uses aliases that 1.24 removed
            "protobuf<3.20",
        ),
        # It asks for `tensorflow`, which would come beside tensorflow-cpu and newer than works.
        alone=("tensorflow-constrained-optimization==0.2",),
    ),
}


class Unavailable(RuntimeError):
    """An environment cannot be made here; the message says why, in one sentence."""


def python_of(name: str) -> Path:
    """The interpreter of an environment, which is made first if it is not there yet.

    Args:
        name: a key of ENVIRONMENTS.

    Returns:
        The path of its `python`.

    Raises:
        KeyError: for a name that is none.
        Unavailable: if no fitting Python is installed, or the packages cannot be.
    """
    wanted = ENVIRONMENTS[name]
    folder = FOLDER / name
    python = folder / "bin" / "python"
    receipt = folder / "packages.txt"
    contents = "\n".join(wanted.packages + wanted.alone) + "\n"
    if python.exists() and receipt.exists() and receipt.read_text() == contents:
        return python
    base = find_python(wanted.pythons)
    if base is None:
        versions = " or ".join(wanted.pythons)
        raise Unavailable(f'the environment "{name}" needs Python {versions}, and none was found')
    print(
        f"Making .peers/{name}: {', '.join(wanted.packages + wanted.alone)} (once) ...", flush=True
    )
    shutil.rmtree(folder, ignore_errors=True)
    installer = _uv()
    _run(name, [installer, "venv", "--quiet", "--python", base, folder])
    install = [installer, "pip", "install", "--quiet", "--python", python]
    _run(name, [*install, *wanted.packages])
    if wanted.alone:
        _run(name, [*install, "--no-deps", *wanted.alone])
    receipt.write_text(contents)  # last: without it the environment is made again
    return python


def find_python(versions: Iterable[str]) -> Path | None:
    """A Python of one of the versions that really starts, the first version first; None if none does.

    Looks at this interpreter, on PATH, under pyenv's versions, and asks uv what it manages.
    """
    for version in versions:
        for candidate in candidates(version):
            if starts_as(candidate, version):
                return candidate
    return None


def candidates(version: str) -> Iterator[Path]:
    """Where a Python "major.minor" may be; the paths need not work."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield Path(sys.executable)
    found = shutil.which(f"python{version}")
    if found:
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = (pyenv / "versions").glob(f"{version}.*/bin/python")
    yield from sorted(installed, key=_numbers, reverse=True)
    try:
        answer = _ask([_uv(), "python", "find", "--no-project", version])
    except Unavailable:
        return
    if answer.returncode == 0:
        yield Path(answer.stdout.strip())


def starts_as(python: Path, version: str) -> bool:
    """Whether it starts and has that version (a shim of pyenv may exist and not start)."""
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = _ask([python, "-c", asked])
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def versions_of(name: str) -> dict[str, str]:
    """Package -> installed version, of an environment that is there."""
    answer = _ask([_uv(), "pip", "freeze", "--python", FOLDER / name / "bin" / "python"])
    return dict(line.split("==", 1) for line in answer.stdout.split() if "==" in line)


def _numbers(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.parents[1].name)]


def _uv() -> str:
    own = ROOT / ".uv" / "bin" / "uv"  # where `make setup` puts it
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found is None:
        raise Unavailable("environments are made with uv, which is missing: run `make setup` first")
    return found


def _run(name: str, command: list[str | Path]) -> None:
    result = _ask(command, timeout=None)
    if result.returncode:
        reason = " ".join(result.stderr.split()) or "no reason given"
        raise Unavailable(f'the environment "{name}" could not be made: {reason[-300:]}')


def _ask(command: list[str | Path], timeout: float | None = 60) -> subprocess.CompletedProcess[str]:
    # Not from the project's folder: uv would apply the project's own overrides to the peers.
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT.anchor, timeout=timeout)
