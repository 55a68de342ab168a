"""The terminal that everything is shown on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from fairgate.visible import visible


class VisibleConsole(Console):
    """A console on which names are words and nothing else; see `visible`."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As `Console.render`; what moves the cursor is rich's own alone."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

    def render_str(self, text: str, **options: Any) -> Text:
        """As `Console.render_str`: what is measured, for the width of a column, is what is shown."""
        return super().render_str(visible(text), **options)
