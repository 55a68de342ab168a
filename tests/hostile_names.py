"""One small table whose names are all as people might have them, and as the product has its own.

Every slot that takes a name is filled: columns, group features, groups, their raw values, categories and
the label's values, with quotes, markup, other scripts, emoji, operators, 200 characters, and the words
that the product uses itself. Who is in which group is planted: see `rows`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

QUOTES = '"it\'s" `so` \\n'
MARKUP = "<script>alert('x')</script> & </td>"
UMLAUTS = "Jünger & Älter, ß"
CHINESE = "年龄组"
EMOJI = "👩🏽‍🦱 🏳️‍🌈"
BAR = "a|b"
RANGE = "<25"
LONG = "long " * 39 + "name."  # 200 characters
TEMPLATE = "{{ 7*7 }} {% raw %} %s {0} ${HOME}"
MARKDOWN = "*b* _i_ (x) # ~ - 1."
RIGHT_TO_LEFT = "גיל \u202eevil"
COMBINED = "e\u0301 ﬀ İ"

# Words that the product's own tables, files and signatures use, each the name of a group.
OWN_WORDS = (
    "Overall",
    "All Examples",
    "baseline",
    "constrained",
    "label",
    "score",
    "weight",
    "unit",
    "None",
    "nan",
    "(unknown)",
)
STRANGE = (QUOTES, MARKUP, UMLAUTS, CHINESE, EMOJI, BAR, RANGE, LONG, TEMPLATE, MARKDOWN)
STRANGE += (RIGHT_TO_LEFT, COMBINED)

# Feature -> its column, and name -> raw value of its groups.
GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "label": ("label", {"everybody": "year_1", RANGE: "year_1_year_1", UMLAUTS: BAR}),
    "group": ("score", {name: f"_{name}" for name in OWN_WORDS}),
    MARKUP: (CHINESE, {name: name for name in STRANGE}),
    EMOJI: (EMOJI, {"0": "0", "1": "1"}),
}
LABEL, POSITIVE, NEGATIVE = "probability", TEMPLATE, BAR
NUMERIC = (QUOTES, "weight", LONG)
CATEGORICAL = (MARKUP, "label", BAR)
# Mean of the log odds of the label in each group of the feature "label": what makes a model unfair.
LEANING = {"everybody": 1.5, RANGE: -1.5, UMLAUTS: 0.0}
ROWS = 2400


def rows(count: int = ROWS, seed: int = 0) -> Iterator[dict[str, str]]:
    """Of every group of every feature as many, to one."""
    rng = np.random.default_rng(seed)
    drawn = {
        feature: rng.permutation(np.resize(list(values), count))
        for feature, (_, values) in GROUPS.items()
    }
    for row in range(count):
        member = {feature: str(names[row]) for feature, names in drawn.items()}
        skill = rng.normal()
        likes = skill * 2 + LEANING[member["label"]] + rng.logistic() * 0.5 > 0
        yield {
            **{GROUPS[feature][0]: GROUPS[feature][1][name] for feature, name in member.items()},
            QUOTES: f"{skill:.3f}",
            "weight": "" if rng.random() < 0.1 else f"{rng.normal():.3f}",
            LONG: f"{rng.integers(0, 99)}",
            MARKUP: str(rng.choice(STRANGE)),
            BAR: str(rng.choice(OWN_WORDS)),
            LABEL: POSITIVE if likes else NEGATIVE,
        }


def write(folder: Path, count: int = ROWS) -> Path:
    """`people.csv` and `settings.yaml` in `folder`; returns the latter."""
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        found = list(rows(count))
        table = csv.DictWriter(file, list(found[0]))
        table.writeheader()
        table.writerows(found)
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(tree(folder), allow_unicode=True, sort_keys=False))
    return file


def tree(folder: Path) -> dict[str, Any]:
    """The settings, as the file has them."""
    features = {
        "numeric": list(NUMERIC),
        "categorical": list(CATEGORICAL),
        "label": {"name": LABEL, "positive": POSITIVE, "negative": NEGATIVE},
        "groups": {
            feature: {"name": column, "values": values}
            for feature, (column, values) in GROUPS.items()
        },
    }
    of_gate = [
        "max_gap(FPR, [label]) <= 0.9",
        f"FPR | [{BAR}] <= 0.95",
        f"FNR | [everybody] - FNR | [{QUOTES.replace(chr(92), chr(92) * 2)}] <= 0.95",
        f"max_gap(ACC, [{MARKUP}]) <= 0.95",
    ]
    return {
        "name": "None",
        "model_name": "label",
        "runs": str(folder / f"{CHINESE} {UMLAUTS}"),
        "serving": str(folder / f"{EMOJI} & 'so'"),
        "data": {
            "path": str(folder / "data" / f"{BAR} 'so' \"{UMLAUTS}\""),
            "schema_file": str(folder / f"{UMLAUTS}.pbtxt"),
            "csv": {"shares": {"train": 0.4, "validation": 0.3, "test": 0.3}},
            "features": _escaped(features),
        },
        "trainer": {
            "network": "tabular",
            "constraints": ["max_gap(FPR, [label]) <= 0.05"],
            "steps": 200,
            "snapshots": 4,
        },
        "gate": {"constraints": of_gate, "minimum_accuracy": 0.5, "minimum_negatives": 5},
    }


def _escaped(value: Any) -> Any:
    """`${` as settings files write it."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
