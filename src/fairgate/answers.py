"""What a command answers: an exit status, and words for people or one JSON document for programs."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairgate import no_room, signals, streams
from fairgate.documents import to_json
from fairgate.errors import FairGateError
from fairgate.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

# Of every command.
DONE, FAILED, USAGE_ERROR, BLOCKED, INTERRUPTED = 0, 1, 2, 3, 130
_AGAIN = "Nothing half-made was left; run again to go on."


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
    with signals.raising(), streams.lasting(), _free_of_others(options.json) as print_document:
        answer = _caught(options, lambda: _answer(options))
        told = _caught(options, lambda: _told(answer, options.json, print_document))
        if told is not answer and options.json:
            print_document(to_json(told.document))
    return told.status


def _answer(options: argparse.Namespace) -> Answer:
    module, _, function = options.command.partition(":")
    answer: Answer = getattr(importlib.import_module(module), function)(options)
    return answer


def _told(answer: Answer, as_json: bool, print_document: Callable[[str], None]) -> Answer:
    if as_json:
        print_document(to_json(answer.document))
    elif answer.show is not None:
        from fairgate.consoles import VisibleConsole

        answer.show(VisibleConsole(highlight=False))
    return answer


def _caught(options: argparse.Namespace, work: Callable[[], Answer]) -> Answer:
    """What `work` returns; or what went wrong, in a sentence: nobody has to read a stack trace."""
    try:
        return work()
    except KeyboardInterrupt:
        message = f"Interrupted. {_AGAIN}"
        print(f"\n{message}", file=sys.stderr)
        return Answer(INTERRUPTED, {"error": message})
    except signals.Ended as ended:
        message = f"Ended by {ended.name}. {_AGAIN}"
        print(f"\n{message}", file=sys.stderr)
        return Answer(128 + ended.number, {"error": message})
    except FairGateError as error:
        if no_room.place(error) is None:
            status, message = getattr(options, "refusal", USAGE_ERROR), str(error)
        else:
            status, message = FAILED, unexpected(error)
    except Exception as error:
        if os.environ.get("FAIRGATE_TRACEBACK"):
            traceback.print_exc()
        status, message = FAILED, unexpected(error)
    print(f"error: {visible(message)}", file=sys.stderr)
    return Answer(status, {"error": message})


def _working_folder() -> list[str]:
    """Its path; empty where it was removed."""
    with contextlib.suppress(FileNotFoundError):
        return [os.getcwd()]
    return []


def unexpected(error: Exception) -> str:
    """In a sentence, an error that nobody thought of."""
    full = no_room.place(error)
    # Who finds no folder for temporary files names none, and does not say why. What is said of a file is
    # about that file, however full another disk is.
    nameless = isinstance(error, OSError) and error.filename is None
    where = full or (no_room.full_one(*_working_folder()) if full == "" or nameless else "")
    if where or full is not None:
        return no_room.sentence(where, "Make room, and run the same command again")
    if isinstance(error, OSError) and error.strerror:
        places = [str(each) for each in (error.filename, error.filename2) if each is not None]
        said = f"{' and '.join(places)}: {error.strerror}" if places else error.strerror
        return (
            f"{said}. Look whether it is there, may be read or written, and whether there is room"
        )
    if isinstance(error, UnicodeError):
        return f"text that is not in UTF-8: {error}. Save the file as UTF-8"
    if isinstance(error, MemoryError):
        return "there is not enough memory. Give less data at once, or take a larger machine"
    said = " ".join(str(error).split())[:1000]
    return (
        f"{type(error).__name__}{': ' if said else ''}{said}. This was not foreseen: please report it "
        "(with FAIRGATE_TRACEBACK=1 in the environment it is told where it happened)"
    )


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
