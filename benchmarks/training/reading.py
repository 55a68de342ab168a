"""What a card's measurements say: the ratios that are asked for, and the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.training.speeds import Case

# What, its numbers, the ratio, and the target for it.
Row = tuple[str, str, str, str]
_PER_SECOND = "steps_per_second"


def rows(measured: dict[str, Any]) -> Iterator[Row]:
    """The ratios that were asked for, as far as both of their numbers are there."""
    speeds = _speeds(measured)
    floors = {each["batch"]: each[_PER_SECOND] for each in measured["parts"].get("floor", [])}
    for batch in (32, 512, 4096):
        free, held = speeds.get(Case(batch=batch, constraints=0)), speeds.get(Case(batch=batch))
        if free and held:
            yield _row(f"constrained / unconstrained, batch {batch}", held, free, ">= 0.9")
        if free and batch in floors:
            target = ">= 0.8" if batch == 512 else "-"
            yield _row(
                f"unconstrained / the floor in JAX, batch {batch}", free, floors[batch], target
            )
        for peer in measured["parts"].get("peers", []):
            if held and peer["batch"] == batch:
                yield _row(f"ours / {peer['name']}, batch {batch}", held, peer[_PER_SECOND], "-")
    for other in measured["parts"].get("loops in command buffers", []):
        own = speeds.get(_case(other))
        if own and "failed" not in other:
            what = f"loops in command buffers / not, batch {other['batch']}"
            yield _row(what, other[_PER_SECOND], own, "-")
    for network in ("cnn", "resnet"):
        full = speeds.get(Case(network, 64))
        half = speeds.get(Case(network, 64, precision="mixed_bfloat16"))
        if full and half:
            yield _row(
                f"{network}: bfloat16 / float32", half, full, ">= 1.5 where arithmetic binds"
            )
    for name, found in measured["parts"].items():
        if name.startswith("whole"):
            for each in found:
                numbers = f"{each['seconds']:.1f} s of training, {each['total']:.1f} s in all"
                yield name, numbers, "-", "< 6 s" if name == "whole, compiled before" else "-"
    for each in measured["parts"].get("agreement", []):
        numbers = f"weights {each['weights']:.1e}, rates {each['rates']:.1e}"
        yield f"apart: {' and '.join(each['devices'])}", numbers, "-", "rounding"


def page(measured: dict[str, Any]) -> str:
    """The measurements as Markdown."""
    lines = [
        f"# {measured['card']}, {measured['date']}",
        "",
        f"`python -m benchmarks.training.card`, {measured['seconds']:.0f} s.",
        "",
        "| | | ratio | target |",
        "| --- | --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in rows(measured)),
        "",
        "| case | steps/s | images/s | compiling | roofline |",
        "| --- | ---: | ---: | ---: | --- |",
        *(_speed_row(each, measured) for each in _all_speeds(measured)),
    ]
    if measured["left out"]:
        lines += ["", "Left out:", ""]
        lines += [f"- {name}: {why}" for name, why in measured["left out"].items()]
    return "\n".join(lines) + "\n"


def _row(what: str, one: float, other: float, target: str) -> Row:
    return what, f"{one:,.0f} / {other:,.0f} steps/s", f"{one / other:.2f}", target


def _all_speeds(measured: dict[str, Any]) -> list[dict[str, Any]]:
    parts = measured["parts"]
    return [*parts.get("speeds", []), *parts.get("larger networks", [])]


def _case(each: dict[str, Any]) -> Case:
    return Case(**{name: each[name] for name in Case.__dataclass_fields__})


def _speeds(measured: dict[str, Any]) -> dict[Case, float]:
    return {
        _case(each): each[_PER_SECOND] for each in _all_speeds(measured) if "failed" not in each
    }


def _speed_row(each: dict[str, Any], measured: dict[str, Any]) -> str:
    name = str(_case(each)) or "mlp"
    if "failed" in each:
        return f"| {name} | failed: {each['failed']} | | | |"
    share = _share(each, measured)
    compiled = f"{each['compile_seconds']:.1f} s"
    return f"| {name} | {each[_PER_SECOND]:,.0f} | {each['images_per_second']:,} | {compiled} | {share} |"


def _share(each: dict[str, Any], measured: dict[str, Any]) -> str:
    """Of the steps that the roofline allows, and what binds."""
    for peak in measured["parts"].get("peaks", []):
        if peak["precision"] == each["precision"]:
            arithmetic = each["operations_per_step"] / peak["operations"]
            memory = each["bytes_per_step"] / peak["bytes"]
            what = "arithmetic" if arithmetic >= memory else "memory"
            return f"{max(arithmetic, memory) * each[_PER_SECOND]:.0%} of {what}"
    return "-"
