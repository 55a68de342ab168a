"""The hash of the code: another one when the code is another, and only then."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.fingerprint import code_fingerprint


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `fingerprinted` with a module and a subpackage."""
    root = tmp_path / "one" / "fingerprinted"
    (root / "below").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "rates.py").write_text("LIMIT = 1\n")
    (root / "below" / "__init__.py").write_text("")
    (root / "below" / "deep.py").write_text("DEPTH = 2\n")
    monkeypatch.syspath_prepend(root.parent)
    yield root
    code_fingerprint.cache_clear()


def fingerprint(*names: str) -> str:
    code_fingerprint.cache_clear()
    return code_fingerprint(*(names or ("fingerprinted",)))


def test_it_stays_while_the_code_stays(package):
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 16 and int(fingerprint(), 16) >= 0


@pytest.mark.parametrize("file", ["rates.py", "below/deep.py", "__init__.py"])
def test_it_changes_with_any_source_of_the_package(package, file):
    before = fingerprint()
    source = package / file
    source.write_text(source.read_text() + "# more\n")
    assert fingerprint() != before


def test_it_changes_when_a_source_is_added_moved_or_removed(package):
    seen = {fingerprint()}
    (package / "new.py").write_text("")
    seen.add(fingerprint())
    (package / "new.py").rename(package / "newer.py")
    seen.add(fingerprint())
    (package / "rates.py").unlink()
    seen.add(fingerprint())
    assert len(seen) == 4


def test_moving_code_from_one_file_to_another_changes_it(package):
    before = fingerprint()
    (package / "rates.py").write_text("")
    (package / "below" / "deep.py").write_text("LIMIT = 1\nDEPTH = 2\n")
    assert fingerprint() != before


def test_only_the_source_counts(package):
    before = fingerprint()
    (package / "notes.txt").write_text("not code")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "rates.cpython-311.pyc").write_bytes(b"compiled")
    (package / "rates.py").touch()
    assert fingerprint() == before


def test_it_does_not_depend_on_the_folder(package, tmp_path, monkeypatch):
    before = fingerprint()
    elsewhere = tmp_path / "two"
    shutil.copytree(package, elsewhere / "fingerprinted")
    shutil.rmtree(package)
    monkeypatch.syspath_prepend(elsewhere)
    assert fingerprint() == before


def test_the_order_of_the_modules_does_not_matter_but_which_they_are_does(package):
    both = fingerprint("fingerprinted.rates", "fingerprinted.below")
    assert both == fingerprint("fingerprinted.below", "fingerprinted.rates")
    assert len({both, fingerprint("fingerprinted.rates"), fingerprint()}) == 3


def test_a_module_that_is_not_there_is_an_error(package):
    with pytest.raises(ImportError, match=r"fingerprinted\.nothing"):
        fingerprint("fingerprinted.nothing")


def test_the_components_of_this_repository_have_one():
    folders = [path.parent.name for path in Path("components").resolve().glob("*/__init__.py")]
    prints = {fingerprint(f"components.{name}") for name in folders}
    assert len(folders) > 5 and len(prints) == len(folders)
