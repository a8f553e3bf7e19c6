"""Python's cyclic garbage collection in a process that serves for days."""

import gc
from typing import Final

_THRESHOLD: Final = 3_000  # objects; at 20,000 a worker's garbage took 100 MiB more of memory while it read a large file


def settle() -> None:
    """Leave out what is loaded by now, and look for cycles a little less often.

    A full collection goes through every object: with what the imports make, some 170,000, it held up all requests of a process for
    a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_THRESHOLD)
