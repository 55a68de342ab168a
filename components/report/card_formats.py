"""The model card for programs: TensorFlow's model card schema, and Hugging Face's metadata.

The JSON follows version 0.0.2 of the schema of TensorFlow's Model Card Toolkit; the metadata are the
front matter that huggingface.co reads from a README (model-index among it).
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from components.report import about, page, sections
from components.report.data import ReportData
from fairgate.documents import to_json
from fairgate.gate import words
from fairgate.report import sections as judged

SCHEMA_VERSION = "0.0.2"
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def tensorflow_card(data: ReportData) -> str:
    """The card as JSON of TensorFlow's model card schema; what is not known is left out."""
    settings = yaml.safe_load(data.settings) or {}
    said, verdict = about.about(settings), data.verdict
    parts = page.card_parts(data.card)
    date = about.started(str(verdict.get("run_id", "")))
    version: dict[str, Any] = {"name": str(verdict.get("run_id", ""))}
    if date is not None:
        version["date"] = f"{date:%Y-%m-%d}"
    details: dict[str, Any] = {
        "name": said.title or verdict["pipeline"],
        "overview": words.sentence(verdict),
        "documentation": f"Predicts {about.predicts(data, said)}.",
        "version": version,
    }
    if said.owner:
        owner = {"name": said.owner} | ({"contact": said.contact} if said.contact else {})
        details["owners"] = [owner]
    if said.licence:
        key = "identifier" if _SPDX.fullmatch(said.licence) else "custom_text"
        details["licenses"] = [{key: said.licence}]
    use = parts.get("Intended use", "")
    caveats = [text for title, text in parts.items() if title.startswith("Caveats")]
    cost = words.cost(data.measured.get("cost", []))
    considerations = {
        "use_cases": [{"description": use}] if use else [],
        "limitations": [{"description": text} for text in [*caveats, *verdict.get("reasons", [])]],
        "tradeoffs": [{"description": cost}] if cost else [],
        "ethical_considerations": [
            {
                "name": "Error rates that differ between groups",
                "mitigation_strategy": _promised(data),
            }
        ],
    }
    card = {
        "schema_version": SCHEMA_VERSION,
        "model_details": details,
        "model_parameters": _parameters(data, settings),
        "quantitative_analysis": {"performance_metrics": _metrics(data)},
        "considerations": {key: value for key, value in considerations.items() if value},
    }
    return to_json(card, indent=1) + "\n"


def _promised(data: ReportData) -> str:
    rows = judged.gate(data.measured)
    said = "; ".join(
        f"{row['constraint']}: {'at most' if row['side'] == 'upper' else 'at least'} "
        f"{words.number(row['bound'])} with {row['confidence']} confidence, "
        f"{'kept' if row['passed'] else 'not kept'}"
        for row in rows
    )
    return said or "Nothing was asked of the test data."


def _parameters(data: ReportData, settings: dict[str, Any]) -> dict[str, Any]:
    trainer = settings.get("trainer", {})
    groups = ", ".join(judged.group_names(data.verdict))
    splits = dict.fromkeys(size.split for size in data.sizes)
    classes = sections.sizes(data)["classes"]

    def told(split: str) -> str:
        counts = (
            f"{size.group}: "
            + (
                ", ".join(f"{size.classes.get(name, 0)} {name}" for name in classes)
                or f"{size.negatives} negative, {size.positives} positive"
            )
            for size in data.sizes
            if size.split == split
        )
        return f"{split} split; {'; '.join(counts)}"

    threshold = page.threshold(data)
    return {
        "model_architecture": f"{trainer.get('network', 'unknown')}, trained under "
        f"{'; '.join(trainer.get('constraints') or []) or 'no constraints'}",
        "data": [
            {
                "name": data.verdict["data"],
                "description": told(split),
                "sensitive": {"sensitive_data": [f"groups: {groups}"]},
            }
            for split in splits
        ],
        "input_format": "serialized tf.Example",
        "output_format": "a score for each class"
        if threshold is None
        else f"the probability of {data.label} = {data.positive}; Yes above {threshold}",
    }


def _metrics(data: ReportData) -> list[dict[str, Any]]:
    """The rates of the judged model, of everybody and of each group; then the gate's bounds."""
    model = judged.judged_in(data.measured)
    titles = judged.rates(data.measured)
    found: list[dict[str, Any]] = []
    for block in judged.groups(data.measured):
        for row in block["rows"]:
            if row["model"] != model:
                continue
            for title, cell in zip(titles, row["cells"], strict=True):
                if cell["value"] is not None:
                    metric = {"type": title, "value": cell["value"], "slice": block["name"]}
                    found.append(metric | {"split": data.split})
    for row in judged.gate(data.measured):
        if row["bound"] is not None:
            kind = f"{row['expression']}, {row['confidence']} {row['side']} bound"
            found.append({"type": kind, "value": row["bound"], "split": data.split})
    return found


def huggingface_card(data: ReportData) -> str:
    """The card as a README with the metadata that huggingface.co reads."""
    settings = yaml.safe_load(data.settings) or {}
    said, verdict = about.about(settings), data.verdict
    has_picture = bool(settings.get("data", {}).get("features", {}).get("image"))
    task = "image-classification" if has_picture else "tabular-classification"
    model = judged.judged_in(data.measured)
    metrics = [
        {"type": metric["type"].replace(" ", "_"), "name": _named(metric), "value": metric["value"]}
        for metric in _metrics(data)
    ]
    front: dict[str, Any] = {
        "library_name": "tensorflow",
        "pipeline_tag": task,
        "tags": ["fairness", "fairgate", "tfx", str(verdict["pipeline"])],
    }
    if said.licence and _SPDX.fullmatch(said.licence):
        front["license"] = said.licence.lower()
    elif said.licence:
        front |= {"license": "other", "license_name": said.licence}
    if metrics:
        dataset = {"name": verdict["data"], "type": verdict["data"], "split": data.split}
        front["model-index"] = [
            {
                "name": said.title or f"{verdict['pipeline']} ({model})",
                "results": [{"task": {"type": task}, "dataset": dataset, "metrics": metrics}],
            }
        ]
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{head}---\n\n{page.model_card(data)}"


def _named(metric: dict[str, Any]) -> str:
    return f"{metric['type']}, {metric['slice']}" if "slice" in metric else metric["type"]


def files(data: ReportData) -> dict[str, str]:
    """Name -> text of every form of the card."""
    card = page.model_card(data)
    return {
        "model_card.md": card,
        "model_card.html": page.card_page(card, f"Model card: {data.verdict['pipeline']}"),
        "model_card.json": tensorflow_card(data),
        "model_card_huggingface.md": huggingface_card(data),
    }
