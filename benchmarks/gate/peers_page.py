"""The tables of docs/bounds_compared.md, from the stored results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import markers
from benchmarks.gate.counts import TABLES, Table

BEGIN = "<!-- written by `python -m benchmarks.gate peers`: begin -->"
END = "<!-- end -->"

# Method, as the results name it -> how it is called in the tables.
NAMES: Mapping[str, str] = {
    "FairGate": "FairGate",
    "Clopper-Pearson": "Clopper-Pearson",
    "score": "score, corrected",
    "statsmodels newcomb": "`newcomb`",
    "statsmodels agresti-caffo": "`agresti-caffo`",
    "statsmodels wald": "`wald`",
    "statsmodels score": "`score`",
    "bootstrap": "fairlearn",
}
LONG = {
    "FairGate": "**FairGate**: Buehler's bound of two rates",
    "Clopper-Pearson": "plain Clopper-Pearson, each rate at delta / 2",
    "score": "score interval of Miettinen and Nurminen, corrected",
    "statsmodels newcomb": "statsmodels `newcomb`",
    "statsmodels agresti-caffo": "statsmodels `agresti-caffo`",
    "statsmodels wald": "statsmodels `wald`",
    "statsmodels score": "statsmodels `score`, as it is",
    "bootstrap": "fairlearn `MetricFrame`, bootstrap",
}
Results = Mapping[str, Mapping]


def write(page: Path, results: Results) -> None:
    """Puts the section between the markers of the page.

    Raises:
        ValueError: if the page has no markers.
    """
    markers.fill(page, BEGIN, END, section(results))


def section(results: Results) -> str:
    """The markers and what is between them."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    settings = results["settings"]
    parts = [
        BEGIN,
        f"{versions}; delta {settings['delta']}; seed {settings['seed']}. Everything is enumerated but "
        f"the passes of the bootstrap: {settings['draws']:,} drawn tables each, "
        f"{settings['resamples']:,} resamples of each table.",
        "\n".join(_summary(results)),
        *(_folded(title, lines) for title, lines in _details(results)),
        END,
    ]
    return "\n\n".join(parts)


def _summary(results: Results) -> list[str]:
    """A line for each method: what the ten tables come to."""
    lines = [
        "| | bound for the README's groups | passes at the limit: most of ten tables | over 5% "
        "| the worst rates: most of eight tables | over 5% | passes at gap 0: mean of ten |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for method, name in LONG.items():
        rows = [results["tables"][table.name][method] for table in TABLES]
        readme = results["tables"]["the README's groups"][method]["bound"]
        at_limit = [row["at_limit"] for row in rows]
        most = [row["worst"] for row in rows if "worst" in row]
        over = [_over(row["at_limit"], _error(row["at_limit"], method, results)) for row in rows]
        cells = [
            f"{readme:.4f}",
            _percent(max(at_limit)),
            f"{sum(over)} of {len(rows)}",
            _percent(max(most)) if most else "not enumerated",
            f"{sum(map(_over, most))} of {len(most)}" if most else "",
            f"{sum(row['level'] for row in rows) / len(rows):.1%}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    cannot = "cannot be asked: it controls rates, not a difference of two"
    lines.append(f"| MAPIE `BinaryClassificationController` | {cannot} | | | | | |")
    return lines


def _details(results: Results) -> list[tuple[str, list[str]]]:
    return [
        ("The upper 95% bound of the largest gap", _table(results, _bounds_row, "measured gap")),
        (
            "Passes when the true gap is the limit: at most 5% is promised",
            _table(
                results, _share_row("at_limit", lambda table: table.rates), "true rates | limit"
            ),
        ),
        (
            "Passes when the true gap is the limit, at the worst of all true rates",
            _table(results, _worst_row, "limit"),
        ),
        (
            "Passes when the true gap is 0",
            _table(results, _share_row("level", lambda table: table.level), "true rates | limit"),
        ),
        ("One rate, which MAPIE can be asked about", _one_rate(results)),
    ]


def _folded(title: str, lines: Sequence[str]) -> str:
    return f"<details><summary>{title}</summary>\n\n" + "\n".join(lines) + "\n\n</details>"


Row = Callable[[Table, Mapping, Results], str | None]


def _table(results: Results, row: Row, heads: str) -> list[str]:
    left = f"| | {heads} |"
    columns = left.count("|") - 1
    lines = [
        f"{left} {' | '.join(NAMES.values())} |",
        "|---" * columns + "|---:" * len(NAMES) + "|",
    ]
    found = [row(table, results["tables"][table.name], results) for table in TABLES]
    return lines + [line for line in found if line]


def _bounds_row(table: Table, found: Mapping, results: Results) -> str:
    cells = [f"{found[m]['bound']:.4f}{'†' * bool(found[m].get('sought'))}" for m in NAMES]
    return f"| {table.name}: {_counts(table)} | {table.gap:.4f} | {' | '.join(cells)} |"


def _share_row(key: str, rates_of: Callable[[Table], Sequence[float]]) -> Row:
    def row(table: Table, found: Mapping, results: Results) -> str:
        cells = []
        for method in NAMES:
            share = found[method][key]
            error = _error(share, method, results)
            text = _percent(share, error, mark=key == "at_limit")
            cells.append(f"{text} ± {error:.2%}" if error else text)
        rates = ", ".join(f"{rate:g}" for rate in rates_of(table))
        return f"| {table.name} | {rates} | {table.limit:g} | {' | '.join(cells)} |"

    return row


def _worst_row(table: Table, found: Mapping, results: Results) -> str | None:
    if len(table.sizes) > 2:
        return None
    cells = [_percent(found[m]["worst"]) if "worst" in found[m] else "" for m in NAMES]
    return f"| {table.name} | {table.limit:g} | {' | '.join(cells)} |"


def _one_rate(results: Results) -> list[str]:
    lines = [
        "| | smallest group | bound: FairGate | MAPIE | limit | passes at the limit: FairGate | MAPIE "
        "| passes at half of it: FairGate | MAPIE |",
        "|---|---" + "|---:" * 7 + "|",
    ]
    for table in TABLES:
        both = [results["one_rate"][table.name][who] for who in ("FairGate", "MAPIE")]
        cells = [f"{row['bound']:.4f}" for row in both] + [f"{table.rates[table.smallest]:g}"]
        cells += [f"{row['at_limit']:.2%}" for row in both]
        cells += [f"{row['half']:.2%}" for row in both]
        count = f"{table.counts[table.smallest]} of {table.sizes[table.smallest]:,}"
        lines.append(f"| {table.name} | {count} | {' | '.join(cells)} |")
    raised = sum(results["one_rate"][table.name]["MAPIE"]["raised"] for table in TABLES)
    counts = sum(table.sizes[table.smallest] + 1 for table in TABLES)
    pairs = results["one_rate"].values()
    among = sum(pair["MAPIE"]["bound"] - pair["FairGate"]["bound"] > 1e-6 for pair in pairs)
    return [
        *lines,
        "",
        f"Of the {counts:,} counts that these groups can have, MAPIE judges {raised} as if they had one "
        "false positive more: it computes the count back from the rate and rounds up. "
        f"Of the ten counts above {among or 'none'} {'are' if among > 1 else 'is'} among them.",
    ]


def _counts(table: Table) -> str:
    if len(set(table.sizes)) == 1:
        return f"{', '.join(map(str, table.counts))} of {table.sizes[0]:,} each"
    return ", ".join(
        f"{count} of {n:,}" for count, n in zip(table.counts, table.sizes, strict=True)
    )


def _error(share: float, method: str, results: Results) -> float:
    """The standard error of a share that was drawn; 0 of one that was enumerated."""
    draws = results["settings"]["draws"]
    return (share * (1 - share) / draws) ** 0.5 if method == "bootstrap" else 0.0


def _over(share: float, error: float = 0.0) -> bool:
    """Whether a share is over 5%, by more than two standard errors if it was drawn."""
    return share - 2 * error > 0.05


def _percent(share: float, error: float = 0.0, mark: bool = True) -> str:
    return f"**{share:.2%}**" if mark and _over(share, error) else f"{share:.2%}"
