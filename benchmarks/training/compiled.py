"""What XLA makes of the trainer's steps: kernels, and bytes that they read and write.

python -m benchmarks.training.compiled [--batch 512] [--network mlp] [--side 28]

Counted in the optimized program of the device at hand. A CPU's differs from a GPU's in what is fused, but
a condition, a sort or a scatter in one of them is in the other, too. Every operation that moves data is a
kernel; bookkeeping (parameters, tuples, bitcasts, constants) is none.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from benchmarks.training.ours import make_loop, settings, split
from components.constrained_trainer.config import MultiplierConfig
from components.constrained_trainer.running.loop import Loop

_FREE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all"}
_BLOCKS = {"while", "call", "conditional"}
_BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s64": 8, "u64": 8, "f64": 8}

_COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) .*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?([\w.\-]+) = (.*?) ([a-z][\w\-]*)\((.*)$")
_ARRAY = re.compile(r"(\w+)\[([\d,]*)\]")
_BODY = re.compile(r"\b(?:body|calls|to_apply)=%?([\w.\-]+)")
_TURNS = re.compile(r"known_trip_count\D+(\d+)")


@dataclass(frozen=True)
class Instruction:
    """A line of a program: its name, type, operation and the rest of it."""

    name: str
    type: str
    operation: str
    rest: str

    @property
    def operands(self) -> list[str]:
        return re.findall(r"%([\w.\-]+)", self.rest.split("), ")[0])

    @property
    def body(self) -> str | None:
        """The computation that it runs, if it runs one."""
        found = _BODY.search(self.rest)
        return found and found[1]


@dataclass(frozen=True)
class Block:
    """One loop of a program, its inner loops apart.

    Attributes:
      turns: how often it is run, where the program knows; else None.
      kernels: by operation.
      bytes: read and written in a turn.
      inner: the loops in it.
    """

    turns: int | None
    kernels: Counter
    bytes: int
    inner: list[Block] = field(default_factory=list)

    def innermost(self) -> Block:
        """Where the time goes: the loop within that has the most kernels, or this one."""
        return max(
            [self, *(each.innermost() for each in self.inner)], key=lambda b: b.kernels.total()
        )

    def everywhere(self) -> Counter:
        """The kernels of this loop and all within."""
        return sum((each.everywhere() for each in self.inner), self.kernels)


def program(loop: Loop, function: Callable) -> Block:
    """Of one of the compiled functions of a loop: what is around its outermost `while`."""
    blocks = [feed.block(loop.step) for feed in loop._feeds]
    steps = tf.constant(0, tf.int64), tf.constant(100, tf.int64)
    begins = [tf.constant(block.first, tf.int64) for block in blocks]
    ir = function.experimental_get_compiler_ir(
        *steps, begins, [block.tensors for block in blocks], loop._violations
    )
    return read(ir(stage="optimized_hlo"))


def read(text: str) -> Block:
    """The program in the text form of XLA's optimized HLO."""
    computations: dict[str, list[Instruction]] = {}
    lines, entry = [], ""
    for line in text.splitlines():
        if begins := _COMPUTATION.match(line):
            lines = computations.setdefault(begins[1], [])
            entry = begins[1] if line.startswith("ENTRY") else entry
        elif found := _INSTRUCTION.match(line):
            lines.append(Instruction(*found.groups()))
    return _block(computations, entry, None)


def _block(computations: dict[str, list[Instruction]], name: str, turns: int | None) -> Block:
    kernels: Counter = Counter()
    total, inner = 0, []
    types = {each.name: each.type for each in computations[name]}
    for each in computations[name]:
        if each.operation == "while":
            known = _TURNS.search(each.rest)
            inner.append(_block(computations, each.body, int(known[1]) if known else None))
        elif each.operation == "call":
            called = _block(computations, each.body, None)
            kernels, total, inner = (
                kernels + called.kernels,
                total + called.bytes,
                inner + called.inner,
            )
        elif each.operation not in _FREE:
            kernels[each.operation] += 1
            total += _size(each.type) + _read(each, types, computations)
    return Block(turns, kernels, total, inner)


def _read(
    instruction: Instruction, types: dict[str, str], computations: dict[str, list[Instruction]]
) -> int:
    """Bytes of the operands; of what is gathered from, those of the rows that are taken."""
    sizes = [_size(types[name]) for name in instruction.operands if name in types]
    inside = computations.get(instruction.body or "", [])
    places = {
        each.name: int(each.rest.split(")")[0]) for each in inside if each.operation == "parameter"
    }
    taken = [each for each in inside if each.operation in ("gather", "dynamic-slice")]
    if instruction.operation in ("gather", "dynamic-slice"):
        sizes[0] = min(sizes[0], _size(instruction.type))
    for each in taken:
        place = places.get(each.operands[0]) if each.operands else None
        if place is not None and place < len(sizes):
            sizes[place] = min(sizes[place], _size(each.type))
    return sum(sizes)


def _size(type: str) -> int:
    return sum(
        _BYTES.get(kind, 4) * math.prod(int(n) for n in shape.split(",") if n)
        for kind, shape in _ARRAY.findall(type)
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training.compiled")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--network", default="mlp")
    parser.add_argument("--side", type=int, default=28)
    options = parser.parse_args()
    training = split(2000, options.side)
    validation = training.take(np.arange(1000))
    print(
        "| constraints | program | loop | turns | kernels | bytes |\n|---|---|---|---:|---:|---:|"
    )
    for constraints, watch in (
        (0, "validation"),
        (1, "validation"),
        (8, "validation"),
        (1, "training"),
    ):
        config = settings(
            constraints,
            network=options.network,
            batch_size=options.batch,
            steps=3000,
            jit="on",
            multipliers=MultiplierConfig(watch=watch),
        )
        for name, in_stretches in (("any steps", False), ("stretches", True)):
            loop = make_loop(training, validation, config, in_stretches)
            _show(f"{constraints}, watch {watch}", name, program(loop, loop.programs[name]))


def _show(constraints: str, name: str, block: Block, depth: int = 0) -> None:
    turns = "?" if block.turns is None else block.turns
    kinds = ", ".join(f"{n} {kind}" for kind, n in block.kernels.most_common())
    place = "the call" if not depth else "loop " * depth
    print(f"| {constraints} | {name} | {place.strip()} | {turns} | {kinds} | {block.bytes:,} |")
    for each in block.inner:
        _show(constraints, name, each, depth + 1)


if __name__ == "__main__":
    main()
