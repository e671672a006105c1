"""The benchmark: Tongqu with everything on, beside others on the same machine. ``python -m bench``; see README.md."""
