"""TFX loaded while this process only waits for others: its import takes seconds of one core."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence
from types import ModuleType

_LOADS_ALL = "pipeline.running.runner"


class Loading(threading.Thread):
    """Begins to load TFX at once; where the process ends before, no further module is begun.

    Until `finish` nobody else may import what it loads: of two threads that wait for each other's modules
    one is given half a module.
    """

    def __init__(self) -> None:
        super().__init__(name="loading TFX")
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        sys.meta_path.insert(0, self)
        try:
            importlib.import_module(_LOADS_ALL)
        except BaseException as error:
            self._error = error
        finally:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Asked by Python before any other finder where a module is; leaves that to the others."""
        if threading.current_thread() is self and not threading.main_thread().is_alive():
            raise SystemExit

    def finish(self) -> None:
        """Waits until all is loaded; raises what an import raised."""
        self.join()
        if self._error is not None:
            raise self._error
