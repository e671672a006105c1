"""The demo city: the same code, synthetic people. Nothing here is imported by a gateway that serves."""
