"""What `uv.lock` names can be installed on both of its targets, without a compiler."""

from __future__ import annotations

import pathlib
import tomllib
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

LOCK: dict[str, Any] = tomllib.loads((pathlib.Path(__file__).parents[1] / "uv.lock").read_text())
GROUPS = ("pipeline", "dev", "docs")  # as tool.uv.default-groups of pyproject.toml
# Python, and the minor version of glibc 2 that the oldest system has which docs/deploy.md names for it.
TARGETS = [((3, 11), 36), ((3, 12), 39), ((3, 13), 39)]
# Plain Python: of this repository, or published as sources alone.
OURS = {"pyfarmhash", "tfx-bsl-sql-util"}
SOURCES = {"google-apitools", "kfp-server-api", "promise", "rouge-score"}


def environment(python: tuple[int, int]) -> dict[str, str]:
    """What markers are asked with; the patch release is Debian's or an older one."""
    version = f"{python[0]}.{python[1]}"
    return {
        "python_version": version,
        "python_full_version": f"{version}.2",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "extra": "",
    }


def tags(python: tuple[int, int], glibc: int) -> set[Tag]:
    """Of the wheels that this Python takes on x86_64 with glibc 2.`glibc`."""
    older = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(5, glibc + 1)]
    platforms += [f"{name}_x86_64" for name in older.values()]
    return {
        *cpython_tags(python, platforms=platforms),
        *compatible_tags(python, platforms=platforms),
    }


def installed(python: tuple[int, int]) -> dict[tuple[str, str], dict[str, Any]]:
    """The packages of the lock that `uv sync` installs for this Python, by name and version."""
    known: dict[str, list[dict[str, Any]]] = {}
    for package in LOCK["package"]:
        known.setdefault(package["name"], []).append(package)
    asked = environment(python)
    [own] = known["fairgate"]
    waiting = [need for group in GROUPS for need in own["dev-dependencies"][group]]
    waiting += own["dependencies"]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    seen = set()
    while waiting:
        need = waiting.pop()
        if "marker" in need and not Marker(need["marker"]).evaluate(asked):
            continue
        candidates = [each for each in known[need["name"]] if _is(need, each, asked)]
        assert len(candidates) == 1, need
        [package] = candidates
        found[package["name"], package["version"]] = package
        for extra in ("", *need.get("extra", ())):
            if (step := (package["name"], package["version"], extra)) not in seen:
                seen.add(step)
                optional = package.get("optional-dependencies", {})
                waiting += optional.get(extra, ()) if extra else package.get("dependencies", ())
    return found


def _is(need: dict[str, Any], package: dict[str, Any], asked: dict[str, str]) -> bool:
    """Whether this is the package that is needed: of several versions, each says for which Pythons."""
    markers = package.get("resolution-markers")
    here = markers is None or any(Marker(marker).evaluate(asked) for marker in markers)
    return here and need.get("version", package["version"]) == package["version"]


@pytest.mark.parametrize(("python", "glibc"), TARGETS, ids=["3.11", "3.12", "3.13"])
def test_every_package_has_a_wheel_or_is_plain_python(python, glibc):
    taken = tags(python, glibc)
    packages = installed(python)
    assert len(packages) > 200  # so that the walk through the lock is one
    assert len({name for name, _ in packages}) == len(packages), "one version of each"
    built = {
        name
        for (name, _), package in packages.items()
        if not any(
            parse_wheel_filename(wheel["url"].rsplit("/", 1)[-1])[3] & taken
            for wheel in package.get("wheels", ())
        )
    }
    assert built <= OURS | SOURCES


@pytest.mark.parametrize(
    ("python", "tfdv"), [((3, 11), "1.16.1"), ((3, 12), "1.21.0"), ((3, 13), "1.21.0")]
)
def test_each_target_has_the_validation_library_that_has_wheels_for_it(python, tfdv):
    assert ("tensorflow-data-validation", tfdv) in installed(python)
