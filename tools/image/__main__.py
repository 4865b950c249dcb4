"""`python -m tools.image [FAMILY] [--base IMAGE]`: prints an image's reference and its archive's path."""

from __future__ import annotations

import argparse
import sys

from tools.image import DEFAULT, FAMILIES, ImageError, build, family_of


def main() -> int:
    """Build the image unless it is there; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.image", description="Builds the pod image.")
    parser.add_argument("--base", help="base image; default: the official Python image, else Debian packages")
    parser.add_argument("family", nargs="?", default=DEFAULT, help=f"one of {', '.join(FAMILIES)}")
    arguments = parser.parse_args()
    try:
        image = build(lambda line: print(line, file=sys.stderr), family_of(arguments.family), arguments.base)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    print(image.tagged, image.archive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
