"""The broker: one query from one department to another. Start reading at query.py."""
