"""A witness: a small program that another office runs, to see that a log only ever grows (C2SP tlog-witness).

It keeps the last head of each log that it watches, signs a new one only with a proof that it continues the old, and so
makes it impossible for the log's operator to rewrite history, or to show different people different logs, unseen.
"""

__version__ = "0.1.0"
