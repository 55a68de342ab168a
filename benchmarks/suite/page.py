"""docs/suite.md: the tables and what they are made of."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence

from benchmarks.figures import pages as figures
from benchmarks.peers.tasks import TEST, TRAIN, VALIDATION
from benchmarks.suite import summary
from benchmarks.suite.answers import Key
from benchmarks.suite.contenders import BY_GROUP, CONTENDERS, OURS
from benchmarks.suite.summary import Mean, Results, Rival, Row
from benchmarks.suite.tasks import COMPONENTS, MOST, PASSES, SETTINGS, SHARES, SPARE, TASKS

# As contenders are keyed, on the command line and in what is kept; readers know the product by its name.
_OURS = re.compile(rf"\b{OURS}\b", re.IGNORECASE)

_HEADS = ("test error", "test violation", "passed", "error of what passed", "seconds")
_HEADS += ("ours less it: error", "violation")


def page(
    results: Results,
    names: Sequence[str],
    contenders: Sequence[str],
    seeds: int,
    notes: Sequence[str] = (),
    picture: str = "",
) -> str:
    """The page of some tasks and contenders.

    Args:
        results: by contender, task and seed.
        names: keys of `tasks.TASKS`.
        contenders: keys of `contenders.CONTENDERS`.
        seeds: how many.
        notes: sentences about what is not there.
        picture: address of `chart.draw`'s, as the page is to name it; "": there is none.
    """
    rows = summary.over_all(results, names, contenders, seeds)
    tables = {task: summary.of_task(results, task, contenders, seeds) for task in names}
    asked = names, contenders, seeds
    lines = [
        "# The trainer on many tasks, next to other libraries",
        "",
        "```sh",
        "make suite                                               # writes this page",
        'make suite ARGS="--tasks law-fpr-race --contenders ours" # one task, one contender',
        'make suite ARGS="--only ours --only-seeds 0 1 --again"   # ours anew, the others as they are',
        'make suite ARGS="--report-only"                          # from the answers that are there',
        "```",
        "",
        *_asked(names, seeds),
        "## Over all tasks",
        "",
        *figures.section(figures.read()["docs/suite.md"]).splitlines(),
        "",
        *_paragraph(
            "Errors are less the baseline's of the same task and seed, in points (hundredths), and ± is "
            "half of the 95% interval over seeds (Student's t). Where a contender has no answer to some "
            "tasks, its row is over the others."
        ),
        "",
        *_table(rows, 100.0),
        "",
        *(
            [f"![Error and violation of each contender over all tasks]({picture})", ""]
            if picture
            else []
        ),
        *_rivals(
            "Ours next to the best peer that does not see the group", results, *asked, OURS, False
        ),
        *_rivals("What seeing the group is worth", results, *asked, OURS, True),
        *_rivals(
            "Thresholds of each group's own, next to the best peer that sees the group",
            results,
            *asked,
            BY_GROUP,
            True,
        ),
        *_listed(results, contenders),
        *_notes(notes),
        "## By task",
        "",
    ]
    for task, table in tables.items():
        lines += [f"**{task}**: {_rule(task)}, gate at {SPARE * TASKS[task].limit:g}", ""]
        lines += [*_table(table, 1.0), ""]
    command_lines = lines.index("```") + 1
    named = [_OURS.sub("FairGate", line) for line in lines[command_lines:]]
    return "\n".join([*lines[:command_lines], *named]).rstrip() + "\n"


def _asked(names: Sequence[str], seeds: int) -> list[str]:
    shares = {part: f"{SHARES[part]:.0%} (at most {MOST[part]:,})" for part in SHARES}
    return [
        *_paragraph(
            f"{len(names)} tasks, {seeds} seeds. A seed divides the rows anew: {shares[TRAIN]} to train, "
            f"{shares[VALIDATION]} for validation, the rest (at most {MOST[TEST]:,}) to test. All "
            "contenders get the same arrays: numbers scaled, categories one-hot, pictures as their first "
            f"{COMPONENTS} principal components. Columns that groups are made of are no inputs. The gate "
            f"is `fairgate.judge` with 95% confidence at {SPARE:g} times the limit that is trained for, "
            "on the test rows."
        ),
        "",
        *_paragraph(
            f"Ours runs at its defaults, once. Each peer tries {SETTINGS} settings, with {PASSES} passes "
            "over the training rows where it trains by minibatches. The one of least error among those "
            "that keep the rule on validation is judged or, where none does, the one that breaks it "
            "least. The seconds are of all of them."
        ),
        "",
        "| contender | decides by the group? | what it is |",
        "|---|---|---|",
        *(
            f"| {name} | {'yes' if each.sees_group else 'no'} | {each.about} |"
            for name, each in CONTENDERS.items()
        ),
        "",
    ]


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, 106, break_long_words=False, break_on_hyphens=False)


def _rule(task: str) -> str:
    asked = TASKS[task]
    lines = [
        f"`max_gap({r}, [{f}]) <= {asked.limit:g}`" for f in asked.features for r in asked.rates
    ]
    return " and ".join(lines)


def _table(rows: Sequence[Row], scale: float) -> list[str]:
    digits = 2 if scale > 1 else 4
    lines = [f"| | {' | '.join(_HEADS)} |", "|---" + "|---:" * len(_HEADS) + "|"]
    for row in rows:
        if row.refusal:
            lines.append(f"| {row.contender} | no answer: {row.refusal} |" + " |" * 6)
            continue
        cells = [_mean(row.error, scale, digits), _mean(row.violation, 1.0, 4)]
        passed = f"{row.passed} of {row.judged}"
        if row.subject_passed is not None:
            passed += f" (ours {row.subject_passed})"
        cells += [passed, _value(row.passed_error, scale, digits)]
        cells += [f"{row.seconds:.0f}"]
        cells += (
            [_signed(row.against[0], scale, digits), _signed(row.against[1], 1.0, 4)]
            if row.against
            else ["", ""]
        )
        lines.append(f"| {row.contender} | {' | '.join(cells)} |")
    return lines


def _rivals(
    title: str,
    results: Results,
    names: Sequence[str],
    contenders: Sequence[str],
    seeds: int,
    subject: str,
    sees_group: bool,
) -> list[str]:
    rivals = summary.rivals(results, names, contenders, seeds, subject, sees_group)
    if not rivals:
        return []
    counts = {kind: sum(r.verdict == kind for r in rivals) for kind in ("ahead", "level", "behind")}
    lines = [
        f"## {title}",
        "",
        *_paragraph(
            "The best of a task: least mean error on test among the peers whose violation is not above "
            f"that of {subject} by more than a standard error of the difference. Level: within a "
            f"standard error. Without a peer that is as fair, {subject} is ahead."
        ),
        "",
        f"{subject} is ahead in {counts['ahead']}, level in {counts['level']} and behind in "
        f"{counts['behind']} of {len(rivals)} tasks.",
        "",
    ]
    paired = [r for r in rivals if r.difference is not None]
    if paired:
        mean = _over_seeds(paired, results, subject, seeds)
        lines += [
            *_paragraph(
                f"Over the {len(paired)} tasks with such a peer its error is {_signed(mean, 100.0, 2)} "
                f"points from the best peer's (95% interval over seeds; negative: {subject} errs less)."
            ),
            "",
        ]
    lines += [f"| task | best peer | {subject} less it: error | violation | |"]
    lines += ["|---|---|---:|---:|---|"]
    for each in rivals:
        gaps = (
            [_signed(each.difference, 1.0, 4), _signed(each.violation, 1.0, 4)]
            if each.difference and each.violation
            else ["", ""]
        )
        peer = each.peer or "none is as fair"
        lines.append(f"| {each.task} | {peer} | {' | '.join(gaps)} | {each.verdict} |")
    return [*lines, ""]


def _over_seeds(rivals: Sequence[Rival], results: Results, subject: str, seeds: int) -> Mean:
    return Mean.of(
        sum(results[subject, r.task, s].error - results[r.peer, r.task, s].error for r in rivals)
        / len(rivals)
        for s in range(seeds)
        if all((name, r.task, s) in results for r in rivals for name in (subject, r.peer))
    )


def _listed(results: Results, contenders: Sequence[str]) -> list[str]:
    kinds = {
        "next to one answer for everybody": summary.useless(results),
        "more error and more violation than the baseline": summary.worse_than_baseline(results),
    }
    lines = ["## Models that nobody wants", ""]
    lines += [f"| | {' | '.join(kinds)} |", "|---" + "|---:" * len(kinds) + "|"]
    for name in contenders:
        count = sum(key[0] == name and not r.refusal for key, r in results.items())
        cells = [f"{sum(k[0] == name for k in keys)} of {count}" for keys in kinds.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append("")
    for kind, keys in kinds.items():
        mine = [key for key in keys if key[0] == OURS]
        if mine:
            lines += [f"Of ours, {kind}: {_keys(mine)}.", ""]
    return lines


def _notes(notes: Sequence[str]) -> list[str]:
    return ["## What is not there", "", *(f"- {note}" for note in notes), ""] if notes else []


def _keys(keys: Sequence[Key]) -> str:
    return ", ".join(f"{task} with seed {seed}" for _, task, seed in keys)


def _mean(mean: Mean, scale: float, digits: int) -> str:
    if mean.count < 2:
        return _value(mean, scale, digits)
    return f"{scale * mean.value:.{digits}f} ± {scale * mean.half:.{digits}f}"


def _signed(mean: Mean, scale: float, digits: int) -> str:
    half = "" if mean.count < 2 else f" ± {scale * mean.half:.{digits}f}"
    return f"{scale * mean.value:+.{digits}f}{half}"


def _value(mean: Mean, scale: float, digits: int) -> str:
    return "" if math.isnan(mean.value) else f"{scale * mean.value:.{digits}f}"
