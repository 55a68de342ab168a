"""Small files that would make much of themselves, and large ones: refused after bounded work."""

from __future__ import annotations

import pytest

from fairgate.commands import declared_in
from fairgate.errors import DataError, SettingsError
from pipeline.settings import load
from tests.operations import at_most
from tests.pipeline.files import write

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def of_aliases(levels: int, each: int = 10) -> str:
    """A list of lists of lists: each^levels words."""
    lines = [f"a: &a [{', '.join(['x'] * each)}]"]
    for name, before in zip(LETTERS[1:levels], LETTERS, strict=False):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * each)}]")
    return "\n".join(lines)


def of_merges(levels: int, each: int = 10) -> str:
    """Mappings that name each other in the place where they stand."""
    inner = "{x: 1}"
    for name in LETTERS[:levels]:
        inner = f"{{<<: [&{name} {inner}, {', '.join([f'*{name}'] * each)}], {name}{name}: 1}}"
    return f"data: {inner}"


BOMBS = {
    "aliases": (of_aliases(9), "far too large: settings have at most 100,000 names and values"),
    "merges": (of_merges(14), "no such setting"),
    "itself": ("a: &a [*a]", "its aliases (*) make it endless"),
    "levels of lists": ("name: " + "[" * 3_000 + "]" * 3_000, "at most 64 levels"),
    "levels of braces": ("name: " + "{a: " * 3_000, "at most 64 levels"),
    "levels of lines": ("\n".join(" " * n + "a:" for n in range(800)), "at most 64 levels"),
    "levels of dashes": ("- " * 3_000, "at most 64 levels"),
    "a bracket for each byte": ("[" * 400_000, "at most 64 levels"),
    "digits": ("trainer: {steps: " + "9" * 5_000 + "}", "trainer.steps"),
    "hexadecimal digits": ("trainer: {steps: 0x" + "f" * 5_000 + "}", "trainer.steps"),
    "an exponent": ("gate: {limit: 1e" + "9" * 5_000 + "}", "gate.limit"),
    "one long text": (
        "name: " + "x" * 2_100_000,
        "settings have at most 500,000. Is it another file?",
    ),
    "many lines": ("# " + "\n# " * 200_000, "settings have at most 500,000. Is it another file?"),
    "many unknown names": ("".join(f"k{n}: 1\n" for n in range(2_000)), "and 1,980 more"),
    "a long constraint": (
        f"trainer: {{constraints: ['{'FPR +' * 4_000} FPR <= 1']}}",
        "characters",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_a_sentence_after_bounded_work(tmp_path, name):
    text, said = BOMBS[name]
    file = write(tmp_path / "settings.yaml", text)

    def refused() -> str:
        with pytest.raises(SettingsError) as error:
            load([file])
        return str(error.value)

    found = at_most(20_000_000, refused)
    assert said in found and len(found) < 8_000
    assert file in found or name == "a long constraint"


@pytest.mark.parametrize("name", ["aliases", "levels of lists", "digits", "hexadecimal digits"])
def test_the_same_on_the_command_line(name):
    text = BOMBS[name][0].partition(": ")[2].rstrip("}")
    field = "trainer.steps" if "digits" in name else "data.features.groups"
    with pytest.raises(SettingsError) as error:
        at_most(20_000_000, lambda: load([], [f"{field}={text.splitlines()[0]}"]))
    assert len(str(error.value)) < 8_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (of_aliases(9), "write out what the alias (*) stands for"),
        ("A: " + "[" * 3_000, "at most 16 levels"),
        ("A: " + "9" * 5_000, "cannot be read as YAML"),
        ("# " * 300_000, "characters"),
    ],
)
def test_a_file_that_declares_groups_is_no_bomb_either(tmp_path, text, said):
    file = write(tmp_path / "groups.yaml", text)
    with pytest.raises(DataError, match=file) as error:
        at_most(5_000_000, lambda: declared_in(file))
    assert said in str(error.value)


def test_what_aliases_are_for_still_works(tmp_path):
    text = (
        "gate: &g {confidence: 0.9, attempts: 2}\n"
        "data: {features: {groups: {A: &a {name: a, values: {X: 0, Y: 1}}, B: {<<: *a, name: b}}}}\n"
    )
    settings = load(
        [write(tmp_path / "settings.yaml", text)],
        ["trainer.constraints=[]", "gate.constraints=['FPR <= 0.5']"],
    )
    groups = settings.data.features.groups
    assert groups["B"].name == "b" and groups["B"].values == groups["A"].values


def test_a_name_that_is_there_twice_is_told_where_it_is_merged_too(tmp_path):
    text = "a: {<<: [&m {x: 1, x: 2}, *m]}"
    with pytest.raises(SettingsError, match="'x' is there twice, at line 1 and at line 1"):
        load([write(tmp_path / "settings.yaml", text)])
