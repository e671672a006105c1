"""Print the Python that .venv is to be made of: the one that ran this, unless another one of the same version that is
on this machine is clearly faster.

A Python built without profile-guided optimisation (as version managers build it, unless asked) takes half as long
again for the same work, and nothing that it says of itself tells reliably; so each is timed, for some milliseconds.
"""

import shutil
import subprocess
import sys

LEAST = (3, 11)
CLEARLY = 1.2  # times as fast: below that it is chance, or not worth a surprise
PASSES = 5  # in turns, and the best counts: whatever else the machine does makes them slower, nothing makes them faster
NAME = f"python{sys.version_info.major}.{sys.version_info.minor}"
PLACES = ("/usr/bin/", "/usr/local/bin/", "")
TIMED = """
import sys, time, venv, ensurepip
class Thing:
    def __init__(self, number): self.number = number
    def text(self): return {"number": str(self.number)}
def work():
    began = time.perf_counter()
    for number in range(1000): Thing(number).text().get("number")
    return time.perf_counter() - began
print(min(work() for _ in range(60)))
"""


def seconds(python):
    """How long it takes; None when it is not there, or makes no virtual environments."""
    try:
        ran = subprocess.run([python, "-c", TIMED], capture_output=True, text=True, timeout=20)
        return float(ran.stdout) if ran.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def main():
    if sys.version_info < LEAST:
        sys.exit("Python 3.11 or newer is needed; try make PYTHON=... / 需要 Python 3.11 以上，可用 make PYTHON=… 指定")
    pythons = [sys.executable, *dict.fromkeys(filter(None, map(shutil.which, (place + NAME for place in PLACES))))]
    took = {}
    for python in pythons * PASSES:
        found = seconds(python)
        if found is not None:
            took[python] = min(found, took.get(python, found))
    best = min(took, key=took.get, default=sys.executable)
    own = took.get(sys.executable, 0.0)  # without venv in it: pip's message tells better than this file could
    print(best if took.get(best, own) * CLEARLY < own else sys.executable)


if __name__ == "__main__":
    main()
