"""Proposing a crosswalk: which column means which element, by its name, its comment and its values."""
