"""A judgement as a page that opens offline in any browser.

| module | what it holds |
|---|---|
| `sections` | what the page shows: the gate, further checks, groups side by side |
| `charts` | charts as inline SVG |
| `pages` | templates, and the page of a judgement |
| `monitoring` | the page of a monitor |
"""

from fairgate.report.monitoring import monitor_page
from fairgate.report.pages import judgement_page

__all__ = ["judgement_page", "monitor_page"]
