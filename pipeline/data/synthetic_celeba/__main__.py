"""python -m pipeline.data.synthetic_celeba --output data/celeba-synthetic"""

import argparse
import sys
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.data.synthetic_celeba import generate
from pipeline.data.synthetic_celeba.generation import PICTURES


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.data.synthetic_celeba",
        description="Writes a synthetic stand-in for CelebA: drawn faces in the on-disk layout of "
        "TensorFlow Datasets' celeb_a 2.1.0.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="the folder to make; it must not exist yet, or be empty",
    )
    parser.add_argument("--images", type=int, default=40_000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--pictures",
        type=int,
        default=PICTURES,
        help="of a person, on average; default: %(default)s",
    )
    parser.add_argument("--processes", type=int, default=None, help="default: all cores")
    arguments = parser.parse_args()

    columns = (
        TextColumn("drawing faces"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns) as bar:
            task = bar.add_task("", total=arguments.images)
            generate(
                arguments.output,
                arguments.images,
                arguments.seed,
                arguments.processes,
                lambda done, total: bar.update(task, completed=done, total=total),
                arguments.pictures,
            )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{arguments.images} synthetic images in {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
