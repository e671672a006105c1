"""``python -m gateway`` is the command ``gateway``."""

from gateway.cli import main

if __name__ == "__main__":  # not where a worker of ours looks for what it is to do
    main()
