"""The comparison of dual updates measures what its page says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from benchmarks.duals import comparing, page
from benchmarks.duals.__main__ import PAGE
from benchmarks.duals.playing import NOISE, Result, measured, median, player
from benchmarks.duals.problems import PROBLEMS
from benchmarks.duals.updates import CONTROLLER, UPDATES

ONE = PROBLEMS["one active constraint"]  # w = (1, 0), multipliers (1, 0, 0)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_solution_of_the_bank_is_one(name: str) -> None:
    """Karush, Kuhn and Tucker, with the proxies' normals in the place of the constraints'."""
    convex = PROBLEMS[name]
    multipliers, away = nnls(np.asarray(convex.combinations, float), np.asarray(convex.dual, float))
    assert away < 1e-12
    w = np.asarray(convex.w)
    normals = np.array([normal for normal, _ in convex.proxies or convex.rows])
    gradient = np.multiply(convex.curvature, w - convex.centre) + convex.slope
    np.testing.assert_allclose(gradient + multipliers @ normals, 0, atol=1e-12)
    violations = np.array([np.dot(normal, w) - limit for normal, limit in convex.rows])
    assert (violations < 1e-12).all()
    np.testing.assert_allclose(multipliers * violations, 0, atol=1e-12)


def test_the_first_steps_are_those_of_the_formulas() -> None:
    """From 0: the gradient (-2, -1) moves w to (.2, .1); g(0) + noise = -1 + 1.5 lambda_1 to .15."""
    path = player(UPDATES["gradient ascent"], 0.3, 2)
    noise = np.array([[1.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = path(ONE, noise)
    np.testing.assert_allclose(found[0], [0.2, 0.1, 0.15, 0, 0], atol=1e-6)
    # Then w by 0.1 (1.8 - .15, .9 - .15), and lambda_1 by 0.3 (.3 - 1), cut off at 0.
    np.testing.assert_allclose(found[1], [0.365, 0.175, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(path(ONE, noise), found)


def test_a_path_that_is_known_is_measured() -> None:
    """At the solution but for the first 40 of 100 steps; lambda_1 swings by 0.002 about it."""
    path = np.tile([1.0, 0.0, 1.0, 0.0, 0.0], (100, 1))
    path[:40, 0] = 3.0
    path[::2, 2] += 0.001
    path[1::2, 2] -= 0.001
    result = measured(ONE, path, 0.0, averaged=False)
    assert result.primal == 0 and result.steps == 40
    assert result.dual == pytest.approx(0.001) and result.swing == pytest.approx(0.002)
    mean = measured(ONE, path, 0.0, averaged=True)
    assert mean.dual < 0.0001 and mean.swing == pytest.approx(0.002)
    # The mean of the last half forgets the first 40 steps where the half begins at the 41st.
    assert 78 <= mean.steps <= 81
    path[-1, 0] = np.nan
    assert measured(ONE, path, 0.0, averaged=False).steps == np.inf


def test_a_median_of_never_and_numbers() -> None:
    results = [Result(0.0, 0.0, steps, 0.0) for steps in (5.0, np.inf, 7.0)]
    assert median(results).steps == 7
    assert median(results[:2]).steps == np.inf


def test_the_controller_settles_on_every_problem_and_plain_steps_circle_on_one() -> None:
    names = ["gradient ascent", CONTROLLER]
    best = comparing.compare(names, [0.1], steps=1000, seeds=1)
    exact = {
        name: [title for title in PROBLEMS if each.results[title, 0.0].distance > 1e-3]
        for name, each in best.items()
    }
    assert exact == {"gradient ascent": ["linear"], CONTROLLER: []}
    assert best["gradient ascent"].results["linear", 0.0].swing > 1
    text = page.section(best, 1000, 1)
    assert text.startswith(page.BEGIN) and text.endswith(page.END)
    assert "| 6 of 7 |" in text and "| 7 of 7 |" in text and "never" in text


def test_the_rate_that_suits_an_update_best_is_found() -> None:
    best = comparing.compare([CONTROLLER], [1e-5, 0.1], steps=500, seeds=1)
    assert best[CONTROLLER].rates == {0.0: 0.1, NOISE: 0.1}


def test_ranks_share_places_and_near_is_near_enough() -> None:
    def all_at(distance: float) -> comparing.Best:
        return comparing.Best(
            {}, {cell: Result(distance, 0.0, 0.0, 0.0) for cell in comparing.CELLS}
        )

    best = {"a": all_at(1e-5), "b": all_at(1e-6), "c": all_at(0.5)}
    assert comparing.ranks(best) == {"a": 1.5, "b": 1.5, "c": 3.0}


def test_the_page_has_every_update_and_problem() -> None:
    text = PAGE.read_text().partition(page.BEGIN)[2].partition(page.END)[0]
    for name in (*UPDATES, *PROBLEMS):
        assert name in text


def test_the_tables_of_the_page_say_what_its_words_do() -> None:
    over_all = PAGE.read_text().partition("### Over all problems")[2].partition("###")[0]
    rows = [line.strip("| ").split(" | ") for line in over_all.splitlines() if " of 7 |" in line]
    exact, noisy = rows[: len(UPDATES)], rows[len(UPDATES) :]
    assert len(noisy) == len(exact) and exact[0][0] == "PI controller, averaged play"
    for table in (exact, noisy):
        all_solved = {row[0] for row in table if row[1] == "7 of 7"}
        assert all_solved >= {name for name in UPDATES if name.startswith("PI controller")}
    assert {row[0] for row in exact if row[1] == "7 of 7"} - all_solved == {"augmented Lagrangian"}
    assert all(row[0].startswith("PI") for row in noisy if row[1] == "7 of 7")
    jitter = {row[0]: float(row[5]) for row in noisy}
    assert jitter["gradient ascent"] < jitter["PI controller, gentler"] < jitter[CONTROLLER]
