"""Stops the service of a folder over and over, and says each answer."""

import json
import sys
from pathlib import Path

from liveopt.guard import caller

if __name__ == "__main__":
    while True:
        print(json.dumps(caller.stop(Path(sys.argv[1]), "halt", "hammer")), flush=True)
