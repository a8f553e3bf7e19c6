"""What is loaded at the start is left out of garbage collection; what comes later is not."""

import subprocess
import sys

_PROGRAM = """
import gc, protostar.api.app
from protostar.garbage import settle
loaded = len(gc.get_objects())
settle()
left = len(gc.get_objects())
cycle = []
cycle.append(cycle)
assert gc.is_tracked(cycle)
print(loaded, left, len([each for each in gc.get_objects() if each is cycle]))
"""


def test_collections_leave_out_what_was_loaded() -> None:
    told = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True).stdout
    loaded, left, cycles = map(int, told.split())
    assert loaded > 50_000
    assert left < loaded / 20
    assert cycles == 1
