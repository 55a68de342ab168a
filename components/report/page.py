"""Renders `ReportData` as one self-contained page and as a model card; pure, and without TensorFlow."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markupsafe import Markup

from components.report import about, elements, sections
from components.report.data import ReportData
from fairgate.gate import words
from fairgate.report import charts, pages
from fairgate.report import sections as judged

SIZE_LIMIT = 5_000_000  # bytes
_MOST_FACETS = (
    2_000_000  # bytes of base64, before a table of a thousand columns crowds all else out
)

_PAGES = pages.environment("components.report")
_TEXTS = _PAGES.overlay(autoescape=False)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def render(data: ReportData) -> str:
    """The report: HTML of less than 5 MB that loads nothing from anywhere.

    Statistics of very many columns, and then pictures, are left out where it would be larger.
    """
    page = _render(data)
    for lighter in (replace(data, facets={}), _without_pictures(replace(data, facets={}))):
        if len(page.encode()) < SIZE_LIMIT:
            break
        page = _render(lighter)
    return page


def _render(data: ReportData) -> str:
    facets = data.facets.get("train", "")
    too_large = len(facets) > _MOST_FACETS
    shown = {
        **_judged(data),
        "group_charts": judged.group_charts(data.measured),
        "indicators": sections.indicators(data) if elements.fairness_indicators() else None,
        "indicator_rates": sections.indicator_rates(data),
        "training": sections.training(data),
        "frontier": sections.frontier(data),
        "curves": sections.curves(data),
        "data": sections.sizes(data)
        | {
            "facets": facets if facets and not too_large and elements.facets() else None,
            "facets_left_out": "The statistics of so many columns would not fit into this page; they "
            "are among the run's artifacts."
            if too_large
            else "",
        },
        "mistakes": sections.mistakes(data),
        "thresholds": sections.thresholds(data),
    }
    if not any(shown["data"].values()):
        shown["data"] = None
    verdict = data.verdict
    said = about.about(yaml.safe_load(data.settings) or {})
    made = _PAGES.get_template("report.html.j2").render(
        **shown,
        about=said,
        facts=about.facts(data, said),
        predicts=about.predicts(data, said),
        drift=data.drift,
        version=data.versions.get("fairgate", ""),
        verdict=verdict,
        outcome=words.outcome(verdict),
        sentence=words.sentence(verdict),
        sampling=words.sampling(verdict.get("sampling", {})),
        attempt=words.attempt(verdict),
        warnings=verdict.get("warnings", []),
        advice=verdict.get("advice", []),
        synthetic=verdict["data"].endswith("(synthetic)"),
        label=data.label,
        positive=data.positive,
        group_names=judged.group_names(data.verdict),
        sealed=words.is_sealed(verdict),
        measured=data.measured,
        test_data=f"{data.split} split",
        scored=f"{data.scored} split",
        examples=data.measured["models"]["constrained"]["examples"],
        versions=data.versions,
        steps=data.steps,
        settings=data.settings,
        contents=_contents(shown, data),
        swatch=charts.swatch,
        packed={"indicators": elements.fairness_indicators(), "facets": elements.facets()},
        style=pages.style(),
        script=_asset("script.js"),
    )
    return pages.with_glossary(made)


def _judged(data: ReportData) -> dict[str, Any]:
    """What the report and the card both show of the judgement."""
    return {
        "unasked": words.has_no_solution(data.verdict),
        "judged": judged.judged_in(data.measured),
        "yardsticks": sections.yardsticks(data),
        "meaning": words.meaning(data.verdict),
        "cost": words.cost(data.measured.get("cost", [])),
        "pictures": judged.pictures(data.measured),
        "plainly": judged.plainly(data.measured),
        "gate": judged.gate(data.measured),
        "checks": judged.checks(data.measured),
        "groups": judged.groups(data.measured),
        "rates": judged.rates(data.measured),
        "binary": not judged.classes_in(data.measured),
    }


def _contents(shown: dict[str, Any], data: ReportData) -> list[tuple[str, str]]:
    every = [
        ("gate", "The gate", True),
        ("groups", "Groups", not shown["unasked"]),
        ("indicators", "Fairness Indicators", shown["indicators"]),
        ("training", "Training", shown["training"]),
        ("frontier", "Frontier", shown["frontier"]),
        ("scores", "ROC and calibration", shown["curves"]),
        ("data", "Data", shown["data"]),
        ("mistakes", "Mistakes", shown["mistakes"]),
        ("thresholds", "Thresholds", shown["thresholds"]),
        ("drift", "Drift", data.drift),
        ("versions", "Versions", True),
        ("time", "Time", data.steps),
        ("terms", "Terms", True),
    ]
    return [(id, title) for id, title, there in every if there]


def _without_pictures(data: ReportData) -> ReportData:
    if data.scores is None:
        return data
    mistakes = [replace(mistake, picture=None) for mistake in data.scores.mistakes]
    return replace(data, scores=replace(data.scores, mistakes=mistakes))


def element(name: str, title: str, shown: Any) -> str:
    """A page that holds one interactive element alone, for a frame of a notebook.

    Empty where the package that ships the element is not installed.

    Args:
      name: "indicators" or "facets".
      title: of the page.
      shown: what the element shows: `sections.indicators`, or statistics as in `ReportData.facets`.
    """
    packed = {"indicators": elements.fairness_indicators, "facets": elements.facets}[name]()
    if not packed:
        return ""
    return _PAGES.get_template("element.html.j2").render(
        name=name,
        title=title,
        shown=shown,
        packed=packed,
        style=pages.style(),
        script=_asset("script.js"),
    )


def model_card(data: ReportData) -> str:
    """The model card, in Markdown."""
    verdict = data.verdict
    settings = yaml.safe_load(data.settings) or {}
    parts = card_parts(data.card)
    said = about.about(settings)
    own = {title: parts.pop(title, "") for title in _SECTIONS}
    text = _TEXTS.get_template("model_card.md.j2").render(
        verdict=verdict,
        outcome=words.outcome(verdict),
        sentence=escape_markdown(words.sentence(verdict)),
        sampling=escape_markdown(words.sampling(verdict.get("sampling", {}))),
        about=said,
        facts=about.facts(data, said),
        predicts=about.predicts(data, said),
        attempt=words.attempt(verdict),
        intended_use=own["Intended use"],
        parts=parts,
        parts_of=lambda title: own[title],
        constrained_groups=_named_groups(data),
        threshold=threshold(data),
        table_of=lambda splits: _sizes_table(data, splits),
        evaluation_splits=[data.split],
        training_splits=["train"] if data.split == "validation" else ["train", "validation"],
        **_judged(data),
        classes=sections.sizes(data)["classes"],
        scores=sections.curves(data),
        scored=f"{data.scored} split",
        test_data=f"{data.split} split",
        sealed=words.is_sealed(verdict),
        trainer=settings.get("trainer", {}),
        columns=_columns(settings),
        synthetic=verdict["data"].endswith("(synthetic)"),
        versions=data.versions,
        group_names=judged.group_names(data.verdict),
        md=escape_markdown,
        number=words.number,
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def card_page(markdown: str, title: str) -> str:
    """A model card as a page of its own, in the report's dress."""
    body = _labelled(_MARKDOWN.render(markdown))
    # A table may be wider than a phone: it scrolls alone.
    body = body.replace("<table>", '<div class="scroll" tabindex="0"><table class="stack rows">')
    body = body.replace("</table>", "</table></div>")
    body = re.sub(r'<th( style="[^"]*")?>', r'<th scope="col"\1>', body)
    return _PAGES.get_template("model_card.html.j2").render(
        body=Markup(body), title=title, style=pages.style()
    )


def _labelled(body: str) -> str:
    """`body` whose cells say of which column they are: on a phone they stand one below the other."""

    def labelled(table: re.Match[str]) -> str:
        heads = re.findall(r"<th[^>]*>(.*?)</th>", table[0], re.DOTALL)
        heads = [re.sub(r"<[^>]+>", "", head) for head in heads]

        def row(found: re.Match[str]) -> str:
            names = iter(heads)
            return re.sub(r"<td", lambda cell: f'<td data-label="{next(names, "")}"', found[0])

        return re.sub(r"<tr>.*?</tr>", row, table[0], flags=re.DOTALL)

    return re.sub(r"<table>.*?</table>", labelled, body, flags=re.DOTALL)


def escape_markdown(text: object) -> str:
    """`text` so that Markdown shows it as it is, in a table's cell too."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", str(text).replace("\n", " "))


_SECTIONS = (
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Ethical considerations",
)
"""Of the card (Mitchell et al., "Model Cards for Model Reporting", 2019), to which card.md may add."""


def threshold(data: ReportData) -> float | None:
    """The score above which the model says Yes; None where the label has several classes."""
    return None if sections.sizes(data)["classes"] else 0.5


def _named_groups(data: ReportData) -> list[str]:
    """The groups and features between brackets in the gate's constraints."""
    found = [
        name
        for row in data.measured["gate"]
        for name in re.findall(r"\[([^\]]+)\]", words.expression_of(row["constraint"]))
    ]
    return list(dict.fromkeys(found))


def _sizes_table(data: ReportData, splits: Sequence[str]) -> str:
    """Groups and labels of some splits, as a table."""
    classes = sections.sizes(data)["classes"]
    rows = [size for size in data.sizes if size.split in splits]
    if not rows:
        return ""
    names = [escape_markdown(name) for name in classes] or ["negatives", "positives"]
    lines = [
        f"| split | group | {' | '.join(names)} |",
        f"|---|---|{'---:|' * len(names)}",
    ]
    for size in rows:
        counts = [size.classes.get(name, 0) for name in classes] or [size.negatives, size.positives]
        cells = " | ".join(f"{count:,}" for count in counts)
        lines.append(f"| {escape_markdown(size.split)} | {escape_markdown(size.group)} | {cells} |")
    return "\n".join(lines)


def card_parts(card: str) -> dict[str, str]:
    """Heading -> text, of a dataset's card.md."""
    pieces = re.split(r"^## +(.+)$", card, flags=re.MULTILINE)
    return {
        title.strip(): text.strip() for title, text in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def _columns(settings: dict[str, Any]) -> str:
    features = settings.get("data", {}).get("features", {})
    said = []
    if image := features.get("image"):
        said.append(f"a picture, seen at {image['height']} x {image['width']} pixels")
    for kind in ("numeric", "categorical"):
        if columns := features.get(kind):
            names = [column["name"] for column in columns]
            said.append(f"{len(names)} {kind} columns ({', '.join(names)})")
    return "; ".join(said)


def templates_digest() -> str:
    """16 hex digits over the templates, which are code that a fingerprint of Python files misses."""
    digest = hashlib.sha256()
    for name in _PAGES.list_templates():
        digest.update(f"{name}\0{_asset(name)}\0".encode())
    return digest.hexdigest()[:16]


def _asset(name: str) -> Markup:
    return pages.source(_PAGES, name)
