"""`python -m tools.image [--base IMAGE]`: prints the image's reference and the path of its archive."""

from __future__ import annotations

import argparse
import sys

from tools.image import ImageError, build


def main() -> int:
    """Build the image unless it is there; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.image", description="Builds the pod image.")
    parser.add_argument("--base", help="base image; default: the official Python image, else Debian packages")
    arguments = parser.parse_args()
    try:
        image = build(lambda line: print(line, file=sys.stderr), base=arguments.base)
    except ImageError as error:
        print(error, file=sys.stderr)
        return 1
    print(image.reference, image.archive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
