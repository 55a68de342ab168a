"""The comparison with MAPIE, fairlearn and statsmodels: what is computed here, and what was stored.

Nothing here needs the peers: their answers are in `bounds_compared.json`, which the command writes.
"""

from __future__ import annotations

import itertools
import json
import re
import sys

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from benchmarks.gate import __main__ as command
from benchmarks.gate import methods, passing, peers, peers_page
from benchmarks.gate.counts import DELTA, TABLES, Table
from benchmarks.peers.environments import Unavailable

STORED = json.loads(peers.RESULTS.read_text())
PAGE = peers.PAGE.read_text()
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)

# Newcombe, Statistics in Medicine 17 (1998), 873-890, Table II, columns (a), (b) and (d): methods 1
# (simple asymptotic), 6 (Miettinen-Nurminen) and 10 (score of each rate), each without continuity
# correction.
TABLE_II = {
    (56, 70, 48, 80): {
        "wald": (0.0575, 0.3425), "score": (0.0528, 0.3382), "newcomb": (0.0524, 0.3339),
    },
    (9, 10, 3, 10): {
        "wald": (0.2605, 0.9395), "score": (0.1700, 0.8406), "newcomb": (0.1705, 0.8090),
    },
    (5, 56, 0, 29): {"score": (-0.0326, 0.1933), "newcomb": (-0.0381, 0.1926)},
}  # fmt: skip


def test_there_are_ten_tables_whose_true_gap_is_the_limit():
    assert len({table.name for table in TABLES}) == 10
    for table in TABLES:
        assert max(table.rates) - min(table.rates) == pytest.approx(table.limit, abs=1e-12)
        assert len(set(table.level)) == 1 and len(table.level) == len(table.sizes)
    with pytest.raises(ValueError, match="more false positives"):
        Table("wrong", (3,), (2,), (0.1,))
    with pytest.raises(ValueError, match="1 rates of 2 groups"):
        Table("wrong", (1, 1), (2, 2), (0.1,))


# Bounds.


@pytest.mark.parametrize("counts", [(0, 9, 3, 7), (9, 9, 0, 7), (5, 60, 40, 200)])
def test_plain_clopper_pearson_is_the_union_of_scipys_intervals(counts):
    i, n, j, m = counts
    # A two-sided interval at 1 - delta leaves delta / 2 on each side.
    first, second = (
        binomtest(k, trials).proportion_ci(1 - DELTA, "exact") for k, trials in ((i, n), (j, m))
    )
    assert methods.plain_bounds(*counts) == pytest.approx(first.high - second.low, abs=1e-12)


@pytest.mark.parametrize("counts, published", [(k, v["score"]) for k, v in TABLE_II.items()])
def test_the_corrected_score_interval_is_the_published_one(counts, published):
    i, n, j, m = counts
    high = methods.score_bound(i, n, j, m, 0.025)
    low = -methods.score_bound(j, m, i, n, 0.025)
    assert (low, high) == pytest.approx(published, abs=6e-5)


@pytest.mark.parametrize("counts, published", TABLE_II.items(), ids=str)
def test_statsmodels_gave_the_published_intervals(counts, published):
    i, n, j, m = counts
    stored = STORED["published"][f"{i}/{n} - {j}/{m}"]
    for method in published.keys() & {"wald", "newcomb"}:
        assert stored[method] == pytest.approx(published[method], abs=6e-5)


def test_statsmodels_score_interval_is_not_the_published_one_as_the_page_says():
    low, high = STORED["published"]["56/70 - 48/80"]["score"]
    assert (low, high) == pytest.approx((0.0526, 0.3440), abs=6e-5)
    assert STORED["published"]["9/10 - 3/10"]["score"] is None  # its search ends with an error


def test_the_score_statistic_is_that_of_the_most_likely_rates_with_that_gap():
    for (i, n, j, m), gap in itertools.product(TABLE_II, (-0.3, 0.0, 0.1, 0.3)):
        q = np.linspace(max(-gap, 0), min(1 - gap, 1), 20_001)
        best = q[np.argmax(binom.logpmf(i, n, q + gap) + binom.logpmf(j, m, q))]
        p, total = best + gap, n + m
        variance = (p * (1 - p) / n + best * (1 - best) / m) * total / (total - 1)
        expected = (i / n - j / m - gap) / variance**0.5
        assert methods.score_statistic(i, n, j, m, gap) == pytest.approx(expected, rel=1e-3)


@each_table
def test_the_stored_bounds_are_those_of_the_library(table):
    stored = STORED["tables"][table.name]
    for method in methods.METHODS:
        found = methods.bound_of(table, method)
        assert stored[method]["bound"] == pytest.approx(found, abs=1e-6), method


@each_table
def test_fairlearns_bound_is_a_quantile_of_the_resampling_that_passes_are_simulated_with(table):
    stored = STORED["tables"][table.name]["bootstrap"]
    spare = 4 * (DELTA * (1 - DELTA) / STORED["settings"]["resamples"]) ** 0.5
    assert stored["below"] <= 1 - DELTA + spare
    assert stored["up_to"] >= 1 - DELTA - spare


@each_table
def test_mapie_says_of_one_rate_what_the_library_says(table):
    both = STORED["one_rate"][table.name]
    for key in ("bound", "at_limit", "half"):
        assert both["MAPIE"][key] == pytest.approx(both["FairGate"][key], abs=1e-6), key


# How often tables pass.


def _by_hand(rates, sizes, passes):
    """Every outcome of all groups, one by one; `passes` decides a table of counts."""
    return sum(
        np.prod(binom.pmf(counts, sizes, rates))
        for counts in itertools.product(*(range(n + 1) for n in sizes))
        if passes(counts)
    )


@pytest.mark.parametrize("method", methods.METHODS)
def test_two_groups_pass_as_often_as_the_sum_over_their_outcomes(method):
    rates, sizes, limit = (0.5, 0.3), (9, 7), 0.65

    def passes(counts):
        return methods.bound_of(Table("", counts, sizes, (0.0, limit)), method) <= limit

    found = passing.probability(rates, sizes, methods.within_of(limit, method))
    assert found == pytest.approx(_by_hand(rates, sizes, passes), abs=1e-6)
    assert 0.01 < found < 0.9


def test_three_groups_pass_as_often_as_the_sum_over_their_outcomes():
    rates, sizes = (0.5, 0.3, 0.4), (6, 5, 4)

    def bound(i, n, j, m):  # not symmetric, so that both directions of a pair count
        return i / n - j / m + 1 / (n + 2 * m)

    def passes(counts):
        pairs = itertools.permutations(zip(counts, sizes, strict=True), 2)
        return max(bound(*one, *other) for one, other in pairs) <= 0.5 + 1e-9

    found = passing.probability(rates, sizes, passing.decided(bound, 0.5))
    assert found == pytest.approx(_by_hand(rates, sizes, passes), abs=1e-6)
    assert 0.1 < found < 0.9


def test_the_worst_rates_are_the_worst_of_a_grid():
    sizes, limit = (7, 5), 0.4
    within = methods.within_of(limit, "score")
    grid = [(low + limit, low) for low in np.arange(0, 601, 50) / 1000]
    found = passing.worst(limit, sizes, within)
    of_grid = max(
        passing.probability(pair, sizes, within) for both in grid for pair in (both, both[::-1])
    )
    assert of_grid - 1e-6 <= found < of_grid + 0.02


def test_a_resampled_gap_is_that_of_rows_drawn_from_all_groups_together():
    rng = np.random.default_rng(0)
    assert (passing.resampled_gaps((0, 0), (50, 50), 99, rng) == 0).all()
    assert (passing.resampled_gaps((50, 0), (50, 50), 99, rng) == 1).all()
    # One row of a group: it is missed by (1 - 1/3)^3 of the resamples of three rows.
    gaps = passing.resampled_gaps((1, 1), (1, 2), 20_000, rng)
    missed = 1 - binom.cdf(0, 3, 1 / 3), 1 - binom.cdf(0, 3, 2 / 3)
    assert np.isnan(gaps).mean() == pytest.approx(2 - sum(missed), abs=0.02)


def test_a_bootstrap_that_sees_no_gap_passes_every_table():
    rng = np.random.default_rng(0)
    assert passing.bootstrap_passes((0.0, 0.0), (9, 9), 0.01, DELTA, 20, 50, rng) == 20
    assert passing.bootstrap_passes((1.0, 0.0), (9, 9), 0.5, DELTA, 20, 50, rng) == 0


@each_table
def test_the_stored_passes_of_the_plain_bound_are_found_again(table):
    if len(table.sizes) > 3:
        pytest.skip("takes seconds")
    stored = STORED["tables"][table.name]["Clopper-Pearson"]
    within = methods.within_of(table.limit, "Clopper-Pearson")
    found = passing.probability(table.rates, table.sizes, within)
    assert stored["at_limit"] == pytest.approx(found, abs=1e-7)


def test_the_promise_is_kept_in_every_table_and_at_the_worst_rates():
    for table in TABLES:
        row = STORED["tables"][table.name]["FairGate"]
        assert max(row["at_limit"], row.get("worst", 0)) <= DELTA
    small = TABLES[4]
    within = methods.within_of(small.limit, "FairGate")
    again = passing.worst(small.limit, small.sizes, within)
    assert again == pytest.approx(STORED["tables"][small.name]["FairGate"]["worst"], abs=1e-7)


# The page.


def test_the_page_shows_what_is_stored():
    assert peers_page.section(STORED) in PAGE


def test_every_figure_of_the_pages_words_is_in_its_tables():
    tables, _, after = PAGE.partition(peers_page.BEGIN)[2].partition(peers_page.END)
    figures = re.findall(r"\d+\.\d+%|0\.\d{4}", after)
    assert figures
    for figure in figures:
        assert figure in tables, figure


def test_the_score_interval_is_shorter_in_seven_of_the_ten_tables_as_the_page_says():
    for method in ("score", "statsmodels newcomb"):
        rows = STORED["tables"].values()
        assert sum(row[method]["bound"] < row["FairGate"]["bound"] for row in rows) == 7


def test_only_what_is_between_the_markers_is_written(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{peers_page.BEGIN}\nold\n{peers_page.END}\nafter\n")
    peers_page.write(page, STORED)
    assert page.read_text() == f"before\n{peers_page.section(STORED)}\nafter\n"
    page.write_text("no markers\n")
    with pytest.raises(ValueError, match=r"page\.md needs the lines"):
        peers_page.write(page, STORED)
    assert page.read_text() == "no markers\n"


def _run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmarks.gate", *arguments])
    with pytest.raises(SystemExit) as end:
        command.main()
    return end.value.code


def test_a_missing_environment_ends_the_command_with_its_sentence(monkeypatch, capsys):
    def compare(*_):
        raise Unavailable('the environment "bounds" needs Python 3.11, and none was found')

    monkeypatch.setattr(peers, "compare", compare)
    assert _run(monkeypatch, "peers") == 1
    assert 'environment "bounds" needs Python 3.11' in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--draws", "--resamples"])
def test_no_draws_and_no_resamples_are_refused(monkeypatch, capsys, option):
    assert _run(monkeypatch, "peers", option, "0") == 2
    assert f"{option}" in capsys.readouterr().err
