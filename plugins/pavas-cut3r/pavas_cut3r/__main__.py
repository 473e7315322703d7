"""``python -m pavas_cut3r convert FILE``: the official checkpoint to safetensors."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pavas_cut3r.checkpoint import LICENCE, convert_checkpoint
from pavas_cut3r.weights import default_folder
from pavas_sdk.errors import PavasError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Convert; return 0, or 2 when that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m pavas_cut3r", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    convert = verbs.add_parser("convert", help="convert cut3r_512_dpt_4_64.pth to safetensors")
    convert.add_argument("file", type=Path, help="the official checkpoint")
    convert.add_argument(
        "-o",
        "--output",
        type=Path,
        help=f"folder; by default {default_folder()}, where it is found",
    )
    options = parser.parse_args(arguments)
    try:
        folder = convert_checkpoint(options.file, options.output or default_folder())
    except PavasError as err:
        sys.stderr.write(f"Error: {err}\n")
        return 2
    sys.stderr.write(f"Licence of these weights: {LICENCE}, not for commercial use\n")
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
