"""``python -m acyclome``: the command line, where the folder of its script is not on the path."""

import sys

from acyclome.cli import main

if __name__ == "__main__":
    sys.exit(main())
