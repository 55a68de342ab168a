"""The two interactive elements that other packages ship: packed, and unpacked by the page.

Together they are 4 MB of JavaScript; gzip in base64 makes that 1.4 MB, which every current browser
inflates by itself.
"""

from __future__ import annotations

import base64
import functools
import gzip
import importlib.metadata
import importlib.util
import pathlib
import re


@functools.cache
def fairness_indicators() -> str:
    """TFMA's script that defines <fairness-nb-container>; empty where it is not installed."""
    spec = importlib.util.find_spec("tensorflow_model_analysis")
    if spec is None or spec.origin is None:
        return ""
    file = pathlib.Path(spec.origin).parent / "static" / "vulcanized_tfma.js"
    return pack(offline(file.read_text())) if file.is_file() else ""


@functools.cache
def facets() -> str:
    """The What-If Tool's page that defines <facets-overview>; empty where it is not installed."""
    try:
        files = importlib.metadata.files("witwidget") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    for file in files:
        if file.name == "wit_jupyter.html":
            path = pathlib.Path(str(file.locate()))
            # The page ends with the tool itself, of which only a part is wanted here.
            text = re.sub(r"<wit-dashboard[^>]*>\s*</wit-dashboard>", "", path.read_text())
            return pack(offline(text))
    return ""


def offline(text: str) -> str:
    """`text` without what it would fetch: fonts, a chart library that these elements do not use.

    Its dialogs do not ask for the keyboard's focus either, which a browser refuses to frames.
    """
    text = re.sub(r"@font-face\s*\{[^}]*\}", "", text)
    text = re.sub(r"https://fonts\.googleapis\.com/[^\"'\s<>\\]*", "data:text/css,", text)
    text = text.replace("https://www.gstatic.com/charts/loader.js", "data:text/javascript,")
    return text.replace(' autofocus=""', "")


def pack(text: str) -> str:
    """gzip in base64; equal for equal text."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
