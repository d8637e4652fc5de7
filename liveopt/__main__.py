"""`python -m liveopt` is the command `liveopt`."""

from liveopt.cli import main

if __name__ == "__main__":
    main()
