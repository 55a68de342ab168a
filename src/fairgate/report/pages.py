"""Templates of pages, and the page of a judgement: one file that loads nothing from anywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jinja2
from markupsafe import Markup

import fairgate
from fairgate import vocabulary
from fairgate.gate import explaining, words
from fairgate.gate.judgement import Judgement
from fairgate.report import charts, sections, terms
from fairgate.visible import visible


def environment(package: str | None = None) -> jinja2.Environment:
    """Templates of `package`, before those that every page shares.

    Args:
      package: importable, with a folder `templates`; None: the shared ones alone.
    """
    loaders = [jinja2.PackageLoader(name) for name in (package, "fairgate.report") if name]
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["swatch"] = charts.swatch
    made.filters["terms"] = terms.marked
    return made


def _shown(value: Any) -> Any:
    """What stands in a page; markup is our own."""
    return visible(value) if type(value) is str else value


PAGES = environment()
"""The templates that every page shares."""


def source(pages: jinja2.Environment, name: str) -> Markup:
    """The text of a template or of what lies beside it, as it is."""
    assert pages.loader is not None
    return Markup(pages.loader.get_source(pages, name)[0])


def style() -> Markup:
    """The style sheet of every page."""
    return source(PAGES, "style.css")


_GLOSSARY = "<!-- glossary -->"


def with_glossary(page: str) -> str:
    """`page` with what its terms mean, in the place that its template leaves for it."""
    asked = set(re.findall(r'popovertarget="([^"]+)"', page))
    used = {term: said for term, said in terms.TERMS.items() if terms.identifier(term) in asked}
    made = PAGES.get_template("glossary.html.j2").render(terms=used, identifier=terms.identifier)
    return page.replace(_GLOSSARY, made)


def judgement_page(
    judgement: Judgement,
    title: str,
    facts: Sequence[tuple[str, str]] = (),
) -> str:
    """The judgement as HTML.

    Args:
      judgement: what the gate said.
      title: what was judged.
      facts: names and what is to be said under them.
    """
    document = judgement.as_document()
    with vocabulary.speaking(vocabulary.ARGUMENTS):
        explanation = explaining.explain(judgement, judgement.features)
        attempt = words.attempt(document)
    page = PAGES.get_template("judgement.html.j2").render(
        verdict=document,
        sealed=judgement.sealed,
        outcome=words.outcome(document),
        sentence=words.sentence(document),
        sampling=words.sampling(document["sampling"]),
        title=title,
        facts=facts,
        meaning=explanation.meaning,
        cost=explanation.cost,
        attempt=attempt,
        judged=judgement.judged,
        pictures=sections.pictures(document),
        plainly=sections.plainly(document),
        gate=sections.gate(document),
        checks=sections.checks(document),
        groups=sections.groups(document),
        group_charts=sections.group_charts(document),
        rates=sections.rates(document),
        binary=not sections.classes_in(document),
        group_names=sections.group_names(document),
        reasoning=explanation.constraints,
        test_data="test examples",
        examples=judgement.outcomes.examples,
        style=style(),
        version=fairgate.__version__,
    )
    return with_glossary(page)
