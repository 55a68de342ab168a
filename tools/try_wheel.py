"""Tries the wheel where there is nothing else: in clean virtual environments, away from the repository.

    python tools/try_wheel.py [--wheel FILE] [--tensorflow]

Builds the wheel into dist/ (or takes FILE), looks at what is in it, and then, for every Python from 3.10
to 3.14 that is found on this machine, installs it alone and tries it as a user would: sizes, import
times, the command line on a CSV file. --tensorflow installs the extra of that name as well, for the
newest of these Pythons that can have it, and runs the README's example of training. Needs uv and a
package index.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
PYTHONS = [f"3.{minor}" for minor in range(10, 15)]

WHEEL_LIMIT = 1_000_000  # bytes
CORE_LIMIT = 250_000_000  # bytes, with all that it depends on
IMPORT_LIMIT = 1.0  # seconds
IMPORTS = ["import fairgate", "import fairgate.gate, fairgate.constraints"]
FIRST_USE = "import fairgate.api"  # what `fairgate.judge` takes, when it is first called; no limit
REPEATS = 5

JUDGE = "judge FILE --label hired --prediction said_yes --group sex --json"
CONSTRAINT = "max_gap(FPR, [sex]) <= 0.2"
PASSED, BLOCKED = 0, 3  # exit statuses

_SIZES = """
import importlib.metadata, json
print(json.dumps({
    dist.metadata["Name"].lower(): sum(
        file.locate().stat().st_size for file in dist.files or [] if file.locate().is_file()
    )
    for dist in importlib.metadata.distributions()
}))
"""
_TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


class Failed(Exception):
    """Something is not as it has to be; the message says what."""


def main() -> int:
    """Tries what the command line says; 1 if anything failed."""
    options = _parser().parse_args()
    uv = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    if not os.access(uv, os.X_OK):
        raise SystemExit("uv is missing: `make setup` fetches it, or see https://docs.astral.sh/uv")
    failures: list[str] = []
    wheel = options.wheel.resolve() if options.wheel else build(uv)
    try:
        look_into(wheel)
    except Failed as failed:
        failures.append(f"{wheel.name}: {failed}")
    found = pythons(uv)
    for version, python in found.items():
        print(f"\nPython {version}: {python}", flush=True)
        failures += [f"Python {version}: {text}" for text in attempts(Place(uv, python, wheel))]
    if options.tensorflow:
        failures += try_training(uv, found, wheel)
    missing = [version for version in PYTHONS if version not in found]
    print(f"\nTried on Python {', '.join(found) or 'none'}.")
    print(f"Not on this machine, hence not tried: Python {', '.join(missing) or '-'}.")
    if not found:
        failures.append("no Python was found to try the wheel with")
    for failure in failures:
        print(f"FAILED  {failure}")
    return 1 if failures else 0


def build(uv: str) -> pathlib.Path:
    """Builds the wheel into dist/."""
    print("Building the wheel ...", flush=True)
    subprocess.run([uv, "build", "--wheel", "--quiet", "--out-dir", "dist"], cwd=ROOT, check=True)
    [version] = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    return ROOT / "dist" / f"fairgate-{version}-py3-none-any.whl"


def look_into(wheel: pathlib.Path) -> None:
    """Whether the wheel is small and holds the library, its metadata and nothing else."""
    size = wheel.stat().st_size
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    print(f"{wheel.name}: {size / 1e3:.0f} kB, {len(names)} files", flush=True)
    _insist(size < WHEEL_LIMIT, f"{size} bytes, expected under {WHEEL_LIMIT}")
    metadata = f"fairgate-{version_of(wheel)}.dist-info"
    strange = [name for name in names if name.split("/")[0] not in ("fairgate", metadata)]
    strange += [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    _insist(not strange, f"holds what does not belong there: {strange[:5]}")
    for name in ("fairgate/__init__.py", "fairgate/py.typed", f"{metadata}/licenses/LICENSE"):
        _insist(name in names, f"{name} is missing")


def version_of(wheel: pathlib.Path) -> str:
    """The version in the file's name."""
    return wheel.name.split("-")[1]


def pythons(uv: str) -> dict[str, str]:
    """Version -> program, of those that are installed: on PATH, uv's and pyenv's. None is downloaded."""
    folders = [pathlib.Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    folders += sorted(pyenv.glob("versions/*/bin"))
    listed = subprocess.run(
        [uv, "python", "list", "--only-installed", "--output-format", "json"],
        capture_output=True,
        text=True,
    )
    others = [entry["path"] for entry in json.loads(listed.stdout)] if not listed.returncode else []
    found = {}
    for version in PYTHONS:
        named = [str(folder / f"python{version}") for folder in folders]
        for python in [*named, *others, sys.executable]:
            if version == _version(python):
                found[version] = python
                break
    return found


def _version(python: str) -> str | None:
    """None of what does not run, such as a shim whose Python is not chosen."""
    if not os.access(python, os.X_OK):
        return None
    command = [python, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


class Place:
    """A clean virtual environment in a folder of its own; the folder goes when it is left."""

    def __init__(self, uv: str, python: str, wheel: pathlib.Path, extra: str = "") -> None:
        self.wheel, self._uv, self._python, self._extra = wheel, uv, python, extra

    def __enter__(self) -> Place:
        self._temporary = tempfile.TemporaryDirectory(prefix="fairgate-wheel-")
        self.folder = pathlib.Path(self._temporary.name)
        # Nothing of the repository, nor of the environment that this script may run in.
        ours = ("PYTHON", "VIRTUAL_ENV", "UV_PROJECT", "FAIRGATE")
        self._variables = {
            name: value for name, value in os.environ.items() if not name.startswith(ours)
        }
        try:
            self.run(self._uv, "venv", "--quiet", "--python", self._python, "venv")
            self.run(
                *(self._uv, "pip", "install", "--quiet", "--python", "venv/bin/python"),
                f"fairgate{self._extra} @ {self.wheel.as_uri()}",
            )
        except BaseException:
            self._temporary.cleanup()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def run(self, *command: str, status: int = 0) -> str:
        """What a command in the folder prints.

        Raises:
          Failed: its exit status is another one.
        """
        done = subprocess.run(
            command, cwd=self.folder, env=self._variables, capture_output=True, text=True
        )
        shown = " ".join(command).replace(str(self.folder), "")
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        _insist(
            done.returncode == status,
            f"`{shown[:200]}` ended with {done.returncode}, expected {status}: {said}",
        )
        return done.stdout

    def python(self, code: str) -> str:
        """What a line of Python prints, in isolated mode."""
        return self.run("venv/bin/python", "-I", "-c", code)

    def fairgate(self, arguments: str, *more: str, status: int = 0) -> str:
        """What the command line prints."""
        return self.run("venv/bin/fairgate", *arguments.split(), *more, status=status)


def attempts(place: Place) -> Iterator[str]:
    """Installs and tries everything but training; yields what failed."""
    try:
        with place:
            for attempt in (sizes, import_times, no_tensorflow, version, judged):
                try:
                    print(f"  {attempt(place)}", flush=True)
                except Failed as failed:
                    yield str(failed)
    except Failed as failed:
        yield str(failed)


def sizes(place: Place) -> str:
    """How large the core is, with all that it depends on."""
    home = place.python("import fairgate; print(fairgate.__file__)").strip()
    _insist(home.startswith(str(place.folder.resolve())), f"fairgate was imported from {home}")
    found = json.loads(place.python(_SIZES))
    total = sum(found.values())
    _insist(total < CORE_LIMIT, f"{_megabytes(total)} installed, expected under {CORE_LIMIT}")
    return f"core installed: {_megabytes(total)} ({_largest(found)})"


def import_times(place: Place) -> str:
    """How long an import takes in a fresh process, the bytecode being there."""
    found = {}
    for statement in [*IMPORTS, FIRST_USE]:
        taken = [float(place.python(_TIMED.format(statement))) for _ in range(1 + REPEATS)]
        found[statement] = statistics.median(taken[1:])
    slow = [statement for statement in IMPORTS if found[statement] >= IMPORT_LIMIT]
    _insist(not slow, f"expected under {IMPORT_LIMIT:g} s: {_seconds(found)}")
    return _seconds(found)


def no_tensorflow(place: Place) -> str:
    """Whether it is said how to install what training needs."""
    code = "try:\n import fairgate.optimization\nexcept ImportError as error:\n print(error)"
    said = place.python(code)
    _insist(
        "fairgate[tensorflow]" in said, f"no TensorFlow, and fairgate.optimization says: {said}"
    )
    return "without TensorFlow, fairgate.optimization says how to install it"


def version(place: Place) -> str:
    """Whether the command line knows the wheel's version."""
    said = place.fairgate("--version").strip()
    _insist(version_of(place.wheel) in said.split(), f"fairgate --version says {said!r}")
    return f"fairgate --version: {said}"


def judged(place: Place) -> str:
    """Whether the command line lets a fair model pass, and blocks another."""
    for name, errors, status in (("fair", 20, PASSED), ("unfair", 120, BLOCKED)):
        file = place.folder / f"{name}.csv"
        file.write_text(predictions(errors))
        said = place.fairgate(
            JUDGE.replace("FILE", file.name), "--constraint", CONSTRAINT, status=status
        )
        _insist(
            json.loads(said)["blessed"] is (status == PASSED),
            f"{name} predictions: exit status {status}, and {said}",
        )
    return f"fairgate judge: fair predictions {PASSED}, unfair ones {BLOCKED}"


def predictions(errors: int) -> str:
    """A CSV file of 2,000 people; `errors` of 500 negative women are told Yes, and 20 of the men."""
    rows = ["hired,said_yes,sex"]
    for sex, wrong in (("Female", errors), ("Male", 20)):
        rows += [f"1,{int(number >= 25)},{sex}" for number in range(500)]
        rows += [f"0,{int(number < wrong)},{sex}" for number in range(500)]
    return "\n".join(rows) + "\n"


def try_training(uv: str, found: dict[str, str], wheel: pathlib.Path) -> Iterator[str]:
    """Installs the extra `tensorflow` and runs the example; yields what failed."""
    page, code = example()
    for version in reversed(found):
        began = time.monotonic()
        place = Place(uv, found[version], wheel, "[tensorflow]")
        print(f"\nfairgate[tensorflow] on Python {version} ...", flush=True)
        try:
            with place:
                found_sizes = json.loads(place.python(_SIZES))
                print(
                    f"  installed: {_megabytes(sum(found_sizes.values()))} "
                    f"({_largest(found_sizes)}), {time.monotonic() - began:.0f} s",
                    flush=True,
                )
                began = time.monotonic()
                (place.folder / "example.py").write_text(code)
                try:
                    place.run("venv/bin/python", "-I", "example.py")
                    print(f"  the example of {page}: {time.monotonic() - began:.0f} s", flush=True)
                except Failed as failed:
                    yield f"the example of {page} on Python {version}: {failed}"
            return
        except Failed as failed:
            # A Python may be newer than the newest TensorFlow; any other trouble meets all of them.
            print(f"  cannot be installed: {str(failed).splitlines()[-1]}", flush=True)
    yield "fairgate[tensorflow] could be installed on no Python"


def example() -> tuple[str, str]:
    """The page with the first example of training, and its code."""
    for page in ("README.md", "docs/constrained_optimization.md"):
        for block in re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S):
            if re.search(r"fairgate\.optimization|from fairgate import optimization", block):
                return page, block
    raise SystemExit("no page has an example that imports fairgate.optimization")


def _largest(sizes: dict[str, int], number: int = 6) -> str:
    ordered = sorted(sizes, key=lambda name: -sizes[name])
    shown = ordered[:number] + [name for name in ordered[number:] if name == "fairgate"]
    rest = sum(sizes[name] for name in ordered if name not in shown)
    parts = [f"{name} {_megabytes(sizes[name])}" for name in shown]
    return ", ".join([*parts, f"{len(ordered) - len(shown)} others {_megabytes(rest)}"])


def _seconds(found: dict[str, float]) -> str:
    return "; ".join(f"{statement}: {seconds:.3f} s" for statement, seconds in found.items())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _insist(fine: bool, otherwise: str) -> None:
    if not fine:
        raise Failed(otherwise)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=pathlib.Path, metavar="FILE", help="try this one")
    parser.add_argument("--tensorflow", action="store_true", help="try training, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
