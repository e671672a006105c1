"""Tongqu (通衢): the gateway. Start reading at ``gateway/exchange/query.py``."""

__version__ = "0.1.0"
