"""`python -m kensa` is the command line."""

from kensa._cli import main

if __name__ == "__main__":
    main()
