"""Runs the README's commands where nothing is installed but what the README asks for.

    sudo python3 tools/try_bare_machine.py --work FOLDER [--debian 13] [--command "make run"]

A minimal Debian with its Python, make and git (debootstrap makes it in --base, unless one lies there
already) is the lower layer of an overlay; the committed HEAD of this repository is cloned into it, and an
ordinary user runs the commands there in a chroot, with an environment that holds nothing but PATH, HOME
and what --set says. It is no virtual machine: the kernel and the network are those of this one.
"""

from __future__ import annotations

import argparse
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # run by path, from anywhere

from tools import chroot  # noqa: E402

PACKAGES = "ca-certificates,make,git"  # what the README asks for, beside the release's own Python
RELEASES = {12: ("bookworm", "python3.11"), 13: ("trixie", "python3.13")}
COMMANDS = ["make run", "make test"]
HOME = "/home/person"


def make_base(base: pathlib.Path, debian: int) -> None:
    """Makes the minimal Debian of this version in `base`.

    Raises:
      SystemExit: debootstrap is missing.
    """
    if shutil.which("debootstrap") is None:
        raise SystemExit(
            "debootstrap is missing: `apt-get install debootstrap`, or give --base a folder "
            "where it has made one on another machine"
        )
    began = time.monotonic()
    partial = base.with_name(base.name + ".partial")
    release, python = RELEASES[debian]
    options = ["--variant=minbase", f"--include={PACKAGES},{python}"]
    subprocess.run(["debootstrap", *options, release, str(partial)], check=True)
    partial.rename(base)
    print(f"Debian {debian} in {base}: {time.monotonic() - began:.0f} s", flush=True)


def prepare(root: pathlib.Path, certificates: list[pathlib.Path]) -> str:
    """Makes the user and the clone, and has the machine trust `certificates`; returns the commit."""
    chroot.run(root, ["useradd", "--create-home", "--home-dir", HOME, "person"], {})
    for file in certificates:
        shutil.copy(file, root / "usr/local/share/ca-certificates" / f"{file.stem}.crt")
    if certificates:
        chroot.run(root, ["update-ca-certificates"], {})
    clone = root / HOME.lstrip("/") / "fairgate"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True)
    chroot.run(root, ["chown", "--recursive", "person:person", f"{HOME}/fairgate"], {})
    head = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    return subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """Carries out what the command line says; 1 if a command failed."""
    options = _parser().parse_args()
    chroot.with_own_mounts()
    work = options.work.resolve()
    base = (options.base or work / f"debian-{options.debian}").resolve()
    if (work / "layer").exists():
        raise SystemExit(f"{work} holds an earlier try: remove {work / 'layer'} or name another")
    if not base.exists():
        base.parent.mkdir(parents=True, exist_ok=True)
        make_base(base, options.debian)
    variables = {"HOME": HOME} | dict(pair.split("=", 1) for pair in options.set)
    results = []
    with chroot.layer([base], work / "layer", work) as root:
        print(f"commit {prepare(root, options.certificate)}", flush=True)
        for command in options.command or COMMANDS:
            print(f"$ {command}", flush=True)
            began = time.monotonic()
            inside = ["sh", "-c", command]
            folder = f"{HOME}/fairgate"
            status = chroot.run(
                root, inside, variables, folder=folder, user="person:person", check=False
            )
            results.append((command, time.monotonic() - began, status))
    for command, seconds, status in results:
        end = "went well" if status == 0 else f"FAILED with status {status}"
        print(f"{command}: {end} after {seconds:.0f} s", flush=True)
    return int(any(status for _, _, status in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--work", type=pathlib.Path, required=True, help="folder for what is written: 5 GB and more"
    )
    parser.add_argument(
        "--debian", type=int, choices=sorted(RELEASES), default=12, help="its version (default: 12)"
    )
    parser.add_argument(
        "--base",
        type=pathlib.Path,
        help="the minimal Debian; made if missing (default: WORK/debian-VERSION)",
    )
    parser.add_argument(
        "--command",
        action="append",
        metavar="COMMAND",
        help=f"run this; can be repeated (default: {' and '.join(COMMANDS)})",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable that the commands see, such as a package index of this network",
    )
    parser.add_argument(
        "--certificate",
        action="append",
        type=pathlib.Path,
        default=[],
        metavar="FILE",
        help="an authority that the machine must trust to get out of this network",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
