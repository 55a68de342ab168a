"""What a command answers: an exit status, and words for people or one JSON document for programs."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairgate.documents import to_json
from fairgate.errors import FairGateError

if TYPE_CHECKING:
    from rich.console import Console

# Of every command.
DONE, FAILED, USAGE_ERROR, BLOCKED, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True)
class Answer:
    """What a command answers.

    Attributes:
      status: exit status.
      document: what --json prints.
      show: prints the same for people; None where the command has already said it all.
    """

    status: int
    document: Any
    show: Callable[[Console], None] | None = None


def give(options: argparse.Namespace) -> int:
    """Does what `options` say; returns the exit status.

    With --json, standard output holds one document, and all else goes to standard error.

    Args:
      options: with `command`, "module:function" of what answers; `json`; and `refusal`, the exit status
        where what was asked cannot be done, if that is another one than USAGE_ERROR.
    """
    with _free_of_others(options.json) as print_document:
        answer = _answer(options)
        if options.json:
            print_document(to_json(answer.document))
        elif answer.show is not None:
            from rich.console import Console

            answer.show(Console(highlight=False))
    return answer.status


def _answer(options: argparse.Namespace) -> Answer:
    module, _, function = options.command.partition(":")
    try:
        answer: Answer = getattr(importlib.import_module(module), function)(options)
        return answer
    except FairGateError as error:
        print(f"error: {error}", file=sys.stderr)
        return Answer(getattr(options, "refusal", USAGE_ERROR), {"error": str(error)})
    except KeyboardInterrupt:
        message = "Interrupted. Nothing half-made was left; run again to go on."
        print(f"\n{message}", file=sys.stderr)
        return Answer(INTERRUPTED, {"error": message})
    except BrokenPipeError:
        return Answer(DONE, None)


@contextlib.contextmanager
def _free_of_others(wanted: bool) -> Iterator[Callable[[str], None]]:
    """Yields a way to print; where `wanted`, what anybody else prints goes to standard error.

    TensorFlow and Beam write to the file descriptor itself, so that one is redirected too.
    """
    if not wanted:
        yield print
        return
    texts: list[str] = []
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield texts.append
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        for text in texts:
            print(text)
