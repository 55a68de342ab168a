"""A chart of accuracy against the value of a constraint, drawn with Pillow."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT = 1100, 720
_LEFT, _RIGHT, _TOP, _BOTTOM = 110, 50, 110, 90
# Drawn larger and then reduced, which smooths the edges.
_SCALE = 3

_INK, _GREY, _GRID, _LINE, _FREE = "#1f2933", "#66727f", "#e4e7eb", "#1f6fb2", "#c2571a"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Dot:
    """A point of the chart: a bar runs from `x` to `bound`, where that is finite.

    `stands_out` gives it a color of its own and takes it out of the line.
    """

    x: float
    y: float
    bound: float
    label: str
    stands_out: bool = False


def draw(
    dots: Sequence[Dot], title: str, subtitle: str, x_name: str, y_name: str, file: pathlib.Path
) -> None:
    """Writes the chart as a picture; its kind is told by the file's ending.

    Raises:
      ValueError: there is no dot whose x and y are finite.
    """
    shown = [dot for dot in dots if math.isfinite(dot.x) and math.isfinite(dot.y)]
    if not shown:
        raise ValueError("nothing to draw: no dot has a finite x and y")
    ends = [dot.bound for dot in shown if math.isfinite(dot.bound)]
    canvas = _Canvas(
        _Axis.around([*(dot.x for dot in shown), *ends], _LEFT, _WIDTH - _RIGHT),
        _Axis.around([dot.y for dot in shown], _HEIGHT - _BOTTOM, _TOP),
    )
    canvas.axes(title, subtitle, x_name, y_name)
    canvas.dots(shown)
    canvas.save(file)


@dataclass(frozen=True)
class _Axis:
    """A linear scale from numbers to pixels, with ticks at round numbers."""

    low: float
    high: float
    step: float
    first: int
    last: int

    @classmethod
    def around(cls, numbers: Sequence[float], first: int, last: int) -> _Axis:
        low, high = min(numbers), max(numbers)
        # From zero, where that costs less than half of the axis.
        low = 0.0 if 0 <= low < high / 2 else low
        step = _round_step((high - low) or abs(high) or 1.0)
        return cls(
            math.floor(low / step - (0.15 if low else 0)) * step,
            math.ceil(high / step + 0.15) * step,
            step,
            first,
            last,
        )

    def __call__(self, number: float) -> float:
        share = (number - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> Iterator[tuple[float, str]]:
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        for index in range(round((self.high - self.low) / self.step) + 1):
            number = self.low + index * self.step
            yield number, f"{number:.{digits}f}"


def _round_step(span: float) -> float:
    """1, 2 or 5 times a power of ten, of which five to ten make the span, about."""
    power = 10 ** math.floor(math.log10(span / 6))
    return min((1, 2, 5, 10), key=lambda factor: abs(span / (factor * power) - 6)) * power


class _Canvas:
    def __init__(self, x: _Axis, y: _Axis):
        self._x, self._y = x, y
        self._image = Image.new("RGB", (_WIDTH * _SCALE, _HEIGHT * _SCALE), "white")
        self._pen = ImageDraw.Draw(self._image)

    def axes(self, title: str, subtitle: str, x_name: str, y_name: str) -> None:
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        for number, text in self._x.ticks():
            self._line([(self._x(number), _TOP), (self._x(number), bottom)], _GRID)
            self._text((self._x(number), bottom + 10), text, 17, _GREY, "ma")
        for number, text in self._y.ticks():
            self._line([(_LEFT, self._y(number)), (right, self._y(number))], _GRID)
            self._text((_LEFT - 12, self._y(number)), text, 17, _GREY, "rm")
        self._line([(_LEFT, _TOP), (_LEFT, bottom), (right, bottom)], _GREY)
        self._text((_LEFT, 28), title, 26, _INK, "la")
        self._text((_LEFT, 66), subtitle, 17, _GREY, "la")
        self._text(((_LEFT + right) / 2, _HEIGHT - 24), x_name, 19, _INK, "ms")
        self._upright((34, (_TOP + bottom) / 2), y_name, 19)

    def dots(self, dots: Sequence[Dot]) -> None:
        def place(dot: Dot) -> tuple[float, float]:
            return self._x(dot.x), self._y(dot.y)

        taken: list[Box] = []
        for dot in dots:
            (x, y), color = place(dot), _FREE if dot.stands_out else _LINE
            taken.append((x - 9, y - 9, x + 9, y + 9))
            if math.isfinite(dot.bound):
                end = self._x(dot.bound)
                faded = _faded(color)
                self._line([(x, y), (end, y)], faded, 2)
                self._line([(end, y - 6), (end, y + 6)], faded, 2)
                taken.append((min(x, end), y - 4, max(x, end), y + 4))
        line = [place(dot) for dot in dots if not dot.stands_out]
        self._line(line, _LINE, 2.5)
        taken += _along(line)
        for dot in dots:
            (x, y), color = place(dot), _FREE if dot.stands_out else _LINE
            self._disc(x, y, 9, "white")
            self._disc(x, y, 7, color)
        for dot in dots:
            taken.append(self._label(place(dot), dot, taken))

    def save(self, file: pathlib.Path) -> None:
        self._image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(file)

    def _label(self, place: tuple[float, float], dot: Dot, taken: Sequence[Box]) -> Box:
        """Writes the label where it covers least of what is `taken`; returns its box."""
        x, y = place
        width, height = self._font(18).getlength(dot.label) / _SCALE, 18
        boxes = [
            (left, top, left + width, top + height)
            for distance in (12, 30, 48)
            for left, top in (
                (x - width / 2, y - distance - height),
                (x - width / 2, y + distance),
                (x - distance - width, y - height / 2),
                (x - distance - width, y - distance - height),
                (x + distance, y + distance),
                (x + distance, y - distance - height),
            )
            if left > _LEFT + 2 and left + width < _WIDTH - 4
            if top > _TOP - 30 and top + height < _HEIGHT - _BOTTOM - 2
        ]
        box = min(boxes, key=lambda box: sum(_overlap(box, other) for other in taken))
        color = _FREE if dot.stands_out else _INK
        self._text((box[0], (box[1] + box[3]) / 2), dot.label, 18, color, "lm")
        return box

    def _font(self, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        return ImageFont.load_default(size * _SCALE)

    def _line(self, places: Sequence[tuple[float, float]], color: str, width: float = 1) -> None:
        scaled = [(x * _SCALE, y * _SCALE) for x, y in places]
        self._pen.line(scaled, color, round(width * _SCALE), joint="curve")

    def _disc(self, x: float, y: float, radius: float, color: str) -> None:
        edges = (x - radius, y - radius, x + radius, y + radius)
        self._pen.ellipse([edge * _SCALE for edge in edges], color)

    def _text(
        self, place: tuple[float, float], text: str, size: float, color: str, anchor: str
    ) -> None:
        x, y = place
        self._pen.text((x * _SCALE, y * _SCALE), text, color, self._font(size), anchor)

    def _upright(self, place: tuple[float, float], text: str, size: float) -> None:
        """Text that reads from below, its middle at `place`."""
        font = self._font(size)
        width, height = math.ceil(font.getlength(text)), round(1.5 * size * _SCALE)
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).text((width / 2, height / 2), text, 255, font, "mm")
        mask = mask.rotate(90, expand=True)
        x, y = (round(c * _SCALE - side / 2) for c, side in zip(place, mask.size, strict=True))
        self._image.paste(_INK, (x, y), mask)


def _along(line: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Small boxes that follow the line."""
    for (x, y), (right, below) in pairwise(line):
        pieces = math.ceil(math.hypot(right - x, below - y) / 6)
        for piece in range(pieces):
            share = (piece + 0.5) / pieces
            at, level = x + share * (right - x), y + share * (below - y)
            yield at - 4, level - 4, at + 4, level + 4


def _faded(color: str) -> str:
    """Halfway to white."""
    channels = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{(c + 255) // 2:02x}" for c in channels)


def _overlap(a: Box, b: Box) -> float:
    """Area that both boxes cover."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)
