"""The walls between the rooms stand: an import that must not be is found, and named."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("src", "components", "pipeline")
LINTER = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}

TRAINER, TRAINER_ = "components/constrained_trainer", "components.constrained_trainer"

# Wall, file in which an import is planted, and the import.
PLANTED = [
    ("house", "src/fairgate/errors.py", "from components import features"),
    ("house", "src/fairgate/gate/words.py", "from pipeline import runs"),
    ("house", "components/features.py", "from pipeline import runs"),
    ("library", "src/fairgate/constraints/rates.py", "from fairgate import bounds"),
    ("library", "src/fairgate/bounds/tail.py", "from fairgate.gate import power"),
    ("library", "src/fairgate/gate/words.py", "from fairgate.report import charts"),
    ("library", "src/fairgate/gate/judging.py", "from fairgate.data import counting"),
    ("library", "src/fairgate/data/counting.py", "from fairgate.gate import judging"),
    ("library", "src/fairgate/report/charts.py", "from fairgate import api"),
    ("library", "src/fairgate/api.py", "from fairgate import commands"),
    ("library", "src/fairgate/gate/power.py", "from fairgate.monitoring import wealth"),
    ("library", "src/fairgate/monitoring/monitor.py", "from fairgate.report import charts"),
    ("library", "src/fairgate/commands.py", "from fairgate import watching"),
    ("library", "src/fairgate/errors.py", "from fairgate import documents"),
    ("library", "src/fairgate/strict.py", "from fairgate.constraints import rates"),
    ("trainer", "src/fairgate/optimization/losses.py", "from fairgate.gate import power"),
    ("trainer", "src/fairgate/optimization/losses.py", "from fairgate import api"),
    ("judges", "src/fairgate/gate/power.py", "from fairgate.optimization import simplex"),
    ("judges", "src/fairgate/commands.py", "import fairgate.optimization"),
    ("tfx", "src/fairgate/bounds/one_rate.py", "import tfx"),
    ("tfx", "src/fairgate/optimization/losses.py", "import apache_beam"),
    ("metadata", "components/evaluator/files.py", "import ml_metadata"),
    ("tensorflow", "src/fairgate/gate/checks.py", "import tensorflow"),
    ("tensorflow", "src/fairgate/constraints/linear.py", "import keras"),
    ("rooms", "pipeline/results/verdict.py", "from pipeline.running import local"),
    ("rooms", "pipeline/running/local.py", "from pipeline.sweeps import tune"),
    ("training", f"{TRAINER}/selection/choosing.py", f"from {TRAINER_} import training"),
    ("training", f"{TRAINER}/running/loop.py", f"from {TRAINER_}.search import budget"),
    ("training", f"{TRAINER}/examples/data.py", f"from {TRAINER_}.models import networks"),
    ("executors", "components/pusher/executor.py", "from components.evaluator import executor"),
    ("executors", "components/features.py", "from components.pusher import executor"),
    ("around", "pipeline/dag.py", "from tests import conftest"),
    ("around", "components/features.py", "import kubeflow"),
    ("circles", "components/evaluator/files.py", "from components.pusher import executor"),
    ("circles", "pipeline/settings.py", "from pipeline import dag"),
    ("circles", "src/fairgate/constraints/rates.py", "from fairgate.constraints import algebra"),
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the rooms, to plant imports in."""
    folder = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(
            REPOSITORY / room, folder / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


def lint(house: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sysconfig.get_path("scripts")) / "lint-imports"), "--no-cache", "--no-logo"]
    command += [f"--contract={contract}" for contract in contracts]
    environment = os.environ | {
        "PYTHONPATH": f"{house / 'src'}{os.pathsep}{house}",
        "COLUMNS": "200",
    }
    return subprocess.run(
        command, cwd=house, env=environment, capture_output=True, text=True, timeout=60
    )


def module_of(file: str) -> str:
    return file.removeprefix("src/").removesuffix(".py").replace("/", ".")


def named(wall: str, module: str, output: str) -> bool:
    """Whether the linter names the module; of a circle it names the package and what is beside in it."""
    parents = module.split(".")[:-1]
    packages = [".".join(parents[: n + 1]) for n in range(len(parents))]
    return module in output or any(
        wall == "circles"
        and f"allowed in {package}." in output
        and f"\n- .{module.removeprefix(f'{package}.').partition('.')[0]} -> " in output
        for package in packages
    )


def test_nothing_that_is_there_goes_through_a_wall(house):
    done = lint(house)
    assert done.returncode == 0, done.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout


@pytest.mark.parametrize(
    ("wall", "file", "line"),
    PLANTED,
    ids=[f"{wall}-{module_of(file)}" for wall, file, _ in PLANTED],
)
def test_an_import_through_a_wall_is_found_and_named(house, wall, file, line):
    place = house / file
    whole = place.read_text()
    # In a function, where a wall is gone through most easily, and at the end, so that all else stays.
    place.write_text(f"{whole}\n\ndef _planted():\n    {line}\n")
    try:
        done = lint(house, wall)
    finally:
        place.write_text(whole)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{CONTRACTS[wall]['name']} BROKEN" in done.stdout
    assert named(wall, module_of(file), done.stdout), done.stdout


def test_the_trainer_is_walled_off_from_all_that_judges():
    """The contract names them one by one, because what is left is what it stands on."""
    [*above, _, _] = CONTRACTS["library"]["layers"]
    rooms = {f"fairgate.{room}" for line in above for room in line.split(" | ")}
    assert set(CONTRACTS["trainer"]["forbidden_modules"]) == rooms


def test_every_wall_is_tried():
    assert {wall for wall, _, _ in PLANTED} == set(CONTRACTS)


def test_a_module_of_the_library_without_a_place_is_found_and_named(house):
    stranger = house / "src/fairgate/stranger.py"
    stranger.write_text("")
    try:
        done = lint(house, "library")
    finally:
        stranger.unlink()
    assert done.returncode == 1 and "fairgate.stranger" in done.stdout


def files_of(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for file in sorted((REPOSITORY / folder).rglob("*.py")):
            yield file, ast.parse(file.read_text())


def imported(tree: ast.Module) -> set[str]:
    """Top-level names of what is imported anywhere in a file."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or ".")
    return {name.partition(".")[0] for name in names}


def test_the_scripts_of_kubeflow_are_no_package_and_import_downwards_alone():
    found = list(files_of("kubeflow"))
    assert found and not [file for file, _ in found if file.name == "__init__.py"]
    for file, tree in found:
        own = {path.name.removesuffix(".py") for path in REPOSITORY.iterdir()} | {"fairgate"}
        allowed = {"components", "fairgate", "pipeline", "tools"}
        assert imported(tree) & own <= allowed, file


def test_nothing_loads_a_script_by_its_path():
    """So that no module reaches the scripts of kubeflow/ where import-linter does not look."""
    loaders = {"run_path", "spec_from_file_location", "SourceFileLoader", "exec"}
    for file, tree in files_of(*ROOMS):
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
        }
        assert not called & loaders, file


def test_every_file_is_seen_by_the_linter():
    """Without an __init__.py a folder is no package, and import-linter passes it by."""
    for file, _ in files_of("src/fairgate", "components", "pipeline"):
        assert (file.parent / "__init__.py").exists(), file
