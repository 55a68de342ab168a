"""The report and the model card as pages: their numbers, their words, what they withstand and lack."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from components.report import curves, page, sections
from components.report.data import GroupSize, Mistake, ReportData
from tests.components.report import sample

HOSTILE = '<script>alert("x")</script>'
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Outline(HTMLParser):
    """Collects headings, ids, links and text, and sees that every element is closed."""

    def __init__(self, text: str):
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.values: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag == "data":
            self.values.append(given["value"])
        for name in ("src", "href", "xlink:href"):
            target = given.get(name) or ""
            assert not target.startswith(("http", "//")), target

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "script" not in self._open and "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def data() -> ReportData:
    return sample.report()


@pytest.fixture(scope="module")
def outline(data) -> Outline:
    return Outline(page.render(data))


def test_data_survives_json(data):
    assert ReportData.from_json(data.to_json()) == data


def test_another_template_is_other_code(monkeypatch):
    before = page.templates_digest()
    assert before == page.templates_digest()
    asset = page._asset
    monkeypatch.setattr(page, "_asset", lambda name: asset(name) + (" " if "css" in name else ""))
    assert page.templates_digest() != before


def test_every_number_of_the_verdict_is_in_the_page(data, outline):
    expected = []
    for row in data.verdict["gate"]:
        expected += [row[k] for k in ("value", "upper_bound", "baseline_value", "baseline_bound")]
    for model in data.verdict["models"].values():
        for result in (model, *model["groups"].values()):
            expected += [result["fpr"], result["fnr"], result["accuracy"]]
    assert {str(number) for number in expected} <= set(outline.values)
    assert (
        "With 95% confidence the largest gap in false positive rate between the groups of Age"
        in (outline.text)
    )
    assert "pushed to serving/smiling/17" in outline.text


def test_headings_are_in_order_and_links_lead_somewhere(outline):
    assert outline.headings[0] == 1 and outline.headings.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(outline.headings, outline.headings[1:], strict=False))
    assert len(set(outline.ids)) == len(outline.ids)
    inside = [link[1:] for link in outline.links if link.startswith("#")]
    assert len(inside) > 8 and set(inside) <= set(outline.ids)


def test_sections_come_in_the_order_of_a_readers_questions(outline):
    order = ["gate", "groups", "indicators", "training", "frontier", "scores", "data", "mistakes"]
    order += ["thresholds", "versions", "time"]
    assert [id for id in outline.ids if id in order] == order


def test_a_blocked_run_says_why_and_what_would_help():
    text = Outline(page.render(sample.report(blessed=False))).text
    assert "✕ Blocked" in text and "could be as large as 0.0423" in text
    assert "over its limit of 0.02" in text and "nothing was pushed" in text
    assert "the bound is over the limit" in text and "Advice: Get more examples of [Old]." in text


def test_a_run_without_a_solution_has_a_page_of_the_validation_split_alone():
    data = sample.without_solution()
    found = Outline(page.render(data))
    for said in (
        "✕ No solution found",
        "No solution was found: every model is of no use, so nothing was pushed.",
        "the test split was not asked, and no attempt was spent",
        "Advice: Inputs that tell more about the label would help.",
        "a threshold for each group",
    ):
        assert said in found.text
    assert "0.285" in found.values and "training" in found.ids and "data" in found.ids
    assert not {"groups", "scores", "thresholds", "mistakes", "indicators"} & set(found.ids)
    inside = [link[1:] for link in found.links if link.startswith("#")]
    assert set(inside) <= set(found.ids) and "unknown" not in found.text
    card = page.model_card(data)
    assert "**No solution found.**" in card and "nothing was measured on the test split" in card
    assert "Nothing: it was not asked." in card and "| Young | constrained" not in card
    assert "| the chosen model | 0.2925 | 0.0075 | -0.0025 | no |" in card


def test_what_the_constraints_cost_is_in_page_and_card_and_said_to_be_of_validation(data, outline):
    for row in data.verdict["validation"]["yardsticks"]:
        assert row["name"] in outline.text
        assert {str(row["error_rate"]), str(row["beyond_least"])} <= set(outline.values)
    card = page.model_card(data)
    start = card.index("## What the constraints cost")
    part = card[start : card.index("## Ethical considerations")]
    assert "On the validation split" in part and part.count("| no |") == 3 and "| yes |" in part
    before = dict(data.verdict)
    del before["validation"]  # a verdict of an earlier version
    assert "## What the constraints cost" not in page.model_card(replace(data, verdict=before))


def test_hostile_names_are_words_and_nothing_else():
    data = sample.report((HOSTILE, "a|b*c`"))
    data = replace(data, label=HOSTILE, settings=data.settings + f"x: '{HOSTILE}'\n")
    data = replace(data, sizes=[GroupSize("train", HOSTILE, 1, 2)])
    rendered = page.render(data)
    assert HOSTILE not in rendered and HOSTILE in Outline(rendered).text
    card = page.model_card(data)
    shown = page.card_page(card, HOSTILE)
    assert "<script" not in shown and "a|b*c`" in Outline(shown).text
    # A bar in a name does not make another column.
    rows = [line for line in card.splitlines() if "a\\|b" in line and line.startswith("|")]
    assert rows and all(
        len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows if "baseline" in row
    )


@pytest.mark.parametrize(
    ("missing", "id"),
    [
        ({"histories": {}}, "training"),
        ({"indicators": {}}, "indicators"),
        ({"frontier": None}, "frontier"),
        ({"scores": None}, "scores"),
        ({"scores": None}, "mistakes"),
        ({"scores": None}, "thresholds"),
        ({"steps": []}, "time"),
        ({"sizes": [], "facets": {}}, "data"),
    ],
)
def test_what_a_run_lacks_has_no_section_and_no_link(data, missing, id):
    found = Outline(page.render(replace(data, **missing)))
    assert id not in found.ids and f"#{id}" not in found.links


def test_a_verdict_alone_makes_a_page_and_a_card(data):
    alone = sample.bare(data)
    found = Outline(page.render(alone))
    assert "None" not in found.text and "nan" not in found.text.lower().split()
    assert "svg" in found.tags and "iframe" not in found.tags
    assert "Nobody has written down what this model is for" in page.model_card(alone)


def test_rates_that_are_unknown_are_said_to_be(data):
    verdict = sample.verdict()
    group = verdict["models"]["constrained"]["groups"]["Old"]
    group |= {"fpr": None, "fnr": None, "accuracy": None, "examples": 0, "negatives": 0}
    verdict["gate"][0] |= {"value": None, "upper_bound": None, "passed": False}
    verdict |= {"blessed": False, "reasons": ["no examples"]}
    text = Outline(page.render(replace(data, verdict=verdict))).text
    assert "Nothing can be promised about the largest gap in false positive rate" in text
    assert "unknown" in text


def test_the_page_stays_under_five_megabytes_whatever_it_is_given(data):
    assert len(page.render(data).encode()) < 2_500_000
    heavy = "A" * 400_000
    mistakes = [Mistake("Old", "false positive", {"constrained": 0.9}, heavy) for _ in range(20)]
    crowded = replace(
        data,
        facets={"train": "A" * 3_000_000},
        scores=replace(data.scores, mistakes=mistakes),
    )
    rendered = page.render(crowded)
    assert len(rendered.encode()) < page.SIZE_LIMIT and heavy not in rendered
    assert 'id="gate"' in rendered and 'id="scores"' in rendered


def test_rows_of_a_table_take_the_place_of_pictures(data):
    mistake = Mistake("Old", "false negative", {"constrained": 0.1}, None, {"work": "farm <b>"})
    table = replace(data, scores=replace(data.scores, mistakes=[mistake]))
    found = Outline(page.render(table))
    assert "farm <b>" in found.text and "img" not in found.tags


def test_the_card_has_the_use_the_caveats_and_the_promise(data):
    card = page.model_card(data)
    headings = re.findall(r"^## (.+)$", card, re.MULTILINE)
    # Of Mitchell et al. (2019), in their order.
    assert headings[:9] == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]
    assert "Yes above a score of 0.5" in card and "### Caveats of drawings" in card
    assert "that the gate's constraints name: Age" in card
    assert "Tests alone." in card and "Nobody is in them." in card
    assert "with 95% confidence at most 0.0423; limit 0.05: kept" in card
    assert "| Old | constrained | 800 | 0.0625 (" in card
    tables = Outline(page.card_page(card, "Card")).tags.count("table")
    assert tables == len(re.findall(r"^\|---", card, re.MULTILINE)) == 6


@pytest.mark.parametrize("dataset", ["celeba", "smiles", "adult"])
def test_every_dataset_of_ours_has_its_use_and_caveats_written_down(data, dataset):
    import pathlib

    text = pathlib.Path("schemas", dataset, "card.md").read_text()
    card = page.model_card(replace(data, card=text))
    assert "Nobody has written down" not in card and "## Caveats of" in card
    if dataset == "celeba":
        assert "non-commercial" in card and "diversity" in card and "binary" in card
        assert "## Caveats of CelebA" in card


# A sealed test split.


def _numbers(text: str) -> set[str]:
    return {f"{float(number):.4f}" for number in re.findall(r"(?<![\w.])0\.\d{4,}", text)}


def test_a_sealed_run_shows_the_validation_split_and_says_so():
    open_one, data = sample.report(blessed=False), sample.sealed()
    pages = page.render(data), page.model_card(data)
    cells = open_one.verdict["models"].values()
    row = open_one.verdict["gate"][0]
    secret = {f"{cell['fpr']:.4f}" for cell in cells} | {"0.8750"}
    secret |= {f"{row[key]:.4f}" for key in ("value", "upper_bound", "baseline_value")}
    assert secret < _numbers(page.render(open_one))
    shown = data.measured["gate"][0]
    for text in pages:
        assert not secret & _numbers(text)
        assert f"{shown['value']:.4f}" in text and f"{shown['upper_bound']:.4f}" in text
        assert "validation split" in text and "sealed" in text
    report = Outline(pages[0])
    assert "indicators" not in report.ids
    for words in (
        "attempt 1 of 3 was blocked",
        "every figure, chart and picture below is of the validation split",
        "On the validation split; beside each rate",
        "most confident mistakes on the validation split",
        "one threshold for everybody, validation split",
        "All on the validation split.",
        "If the rates are those of the validation split: max_gap(FPR, [Age])",
    ):
        assert words in report.text, words


def test_a_sealed_run_without_what_validation_says_shows_no_figures():
    data = sample.bare(sample.sealed(validation=False))
    assert not {"0.0125", "0.0423", "0.0500", "0.8750"} & _numbers(page.render(data))


def test_what_the_validation_split_says_is_its_counts_and_advice_is_for_the_test_split():
    data, asked = sample.sealed(), sample.scored()
    counts = curves.outcomes(asked)["constrained"]
    said = data.measured["models"]["constrained"]
    assert said["fpr"] == counts[None].rate("FPR") and said["examples"] == len(asked.positive)
    assert data.split == data.scored == "validation"
    expected = int(np.sum((asked.scores["constrained"] > 0.5) & ~asked.positive))
    assert counts[None].fp == expected
    assert sum(c.fp for group, c in counts.items() if group) == expected
    advice = " ".join(data.measured["advice"])
    assert "in the test split" in advice and "To ask again" not in advice


def test_a_window_too_narrow_for_the_element_has_its_rates_at_the_served_threshold(data):
    [first] = sections.indicator_rates(
        data
    )  # what is no number is left out, and so are differences
    assert first["name"] == "false positive rate"
    [everybody, *groups] = first["rows"]
    assert everybody["slice"] == "Overall"
    shown = {row["slice"]: dict(row["cells"]) for row in groups}
    for model in ("baseline", "constrained"):
        for name, group in data.verdict["models"][model]["groups"].items():
            assert shown[name][model] == group["fpr"]
