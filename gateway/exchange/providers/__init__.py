"""How departments' services are reached: the fetch contract, and the one way there is now, HTTP."""
