"""Writes what Vertex AI Pipelines and Kubeflow Pipelines run, from the settings: make compile."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

# Run by path, from anywhere.
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path[0] = str(REPOSITORY)


def main(arguments: list[str] | None = None) -> int:
    """Writes <output>/<name>-vertex.json and <output>/<name>-kubeflow.yaml; returns the exit status."""
    options = _parser().parse_args(arguments)
    from fairgate.errors import FairGateError
    from pipeline import settings
    from pipeline.clusters import noise

    try:
        tree = settings.load(options.settings, options.set)
        folder = pathlib.Path(options.output)
        for target in ("vertex", "kubeflow"):
            if options.target in (target, "both"):
                with noise.hidden():
                    file = write(tree, target, folder)
                print(f"wrote {file}")
    except FairGateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write(tree, target: str, folder: pathlib.Path) -> pathlib.Path:
    """Compiles the settings `tree` for `target`; returns the file."""
    import yaml

    from pipeline.clusters import requirements

    requirements.require(tree, target)  # before TFX, which takes half a minute to load
    from pipeline.clusters import compiling

    folder.mkdir(parents=True, exist_ok=True)
    if target == "vertex":
        file = folder / f"{tree.name}-vertex.json"
        text = json.dumps(compiling.vertex(tree), indent=1, sort_keys=True) + "\n"
    else:
        file = folder / f"{tree.name}-kubeflow.yaml"
        text = yaml.safe_dump_all(compiling.kubeflow(tree), sort_keys=True, width=100)
    file.write_text(text)
    return file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--settings", action="append", default=[], metavar="FILE", help="as for python -m pipeline"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="as for python -m pipeline"
    )
    parser.add_argument(
        "--target", choices=("vertex", "kubeflow", "both"), default="both", help="default: both"
    )
    parser.add_argument("--output", default="build", metavar="FOLDER", help="default: build")
    return parser


if __name__ == "__main__":
    sys.exit(main())
