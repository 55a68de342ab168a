"""What mkdocs.yml asks for: a hook of MkDocs, and an extension of Griffe, which reads docstrings.

On the forge README.md is the first page, and links to docs/x.md; in the site it is index.md, beside x.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import griffe
from mkdocs.structure.files import File, Files
from pymdownx import slugs

REPOSITORY = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CODE_OF_CONDUCT.md": "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "LICENSE": "LICENSE.txt",
    "CITATION.cff": "CITATION.cff",
}
"""File of the repository -> its place in the site."""

_ITEM = re.compile(r"([-*]|\d+\.) +")
_LINK = re.compile(r"\]\((?P<target>[^)\s:]+)\)")


def on_config(config: Any) -> Any:
    """Names headings as forges do, so that links into a page lead to the same place here and there."""
    config.mdx_configs["toc"]["slugify"] = slugs.slugify(case="lower")
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages of the repository's root to those of docs/."""
    for name, place in PAGES.items():
        files.append(File.generated(config, place, abs_src_path=str(REPOSITORY / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns links between files of the repository into links between pages of the site."""
    from_root = page.file.src_uri in PAGES.values()
    linked = _LINK.sub(lambda link: f"]({moved(link['target'], from_root)})", markdown)
    return "\n".join(as_python_markdown(linked.splitlines()))


def as_python_markdown(lines: Sequence[str]) -> list[str]:
    """Lists of CommonMark, as forges show them, with the indentation of four that Python-Markdown wants.

    >>> as_python_markdown(["So:", "1. a", "   b", "- c"])
    ['So:', '', '1.  a', '    b', '-   c']
    """
    written: list[str] = []
    close, number = False, 0  # whether an item may follow without an empty line
    while number < len(lines):
        line = lines[number]
        number += 1
        item = _ITEM.match(line)
        if item is None:
            written.append(line)
            close = False
            if line.startswith("```"):  # what is in a fence is no list
                end = lines.index("```", number) + 1
                written += lines[number:end]
                number = end
            continue
        if written and written[-1].strip() and not close:
            written.append("")
        width = len(item[0])
        body = [line[width:]]
        while number < len(lines) and not lines[number][:width].strip():
            body.append(lines[number][width:])
            number += 1
        first, *rest = as_python_markdown(body)
        written.append(f"{item[1]:4}{first}")
        written += [f"    {each}" if each else "" for each in rest]
        close = "" not in rest
    return written


def moved(target: str, from_root: bool) -> str:
    """Where in the site a link leads, which is relative to the root of the repository or to docs/.

    >>> moved("docs/tour.md#what-a-run-leaves-behind", from_root=True)
    'tour.md#what-a-run-leaves-behind'
    >>> moved("../README.md", from_root=False)
    'index.md'
    """
    file, hash_, anchor = target.partition("#")
    if from_root:
        file = PAGES.get(file, file.removeprefix("docs/"))
    elif file.startswith("../"):
        file = PAGES.get(file[3:], file)
    return file + hash_ + anchor


_DOCTEST = re.compile(r"^>>> .*(?:\n(?!\n).+)*", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Gives docstrings the form that Griffe's parser of Google's style knows."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = in_sections(obj.docstring.value)


def in_sections(text: str) -> str:
    """Arguments below a docstring that begins with them are indented, and doctests become blocks.

    >>> in_sections("Args:\\nx: a number.")
    'Args:\\n    x: a number.'
    """
    if text.startswith("Args:\n"):
        first, blank, rest = text.removeprefix("Args:\n").partition("\n\n")
        text = "Args:\n" + indent(first, "    ") + blank + rest
    return _DOCTEST.sub(lambda found: f"\n```pycon\n{found[0]}\n```", text)
