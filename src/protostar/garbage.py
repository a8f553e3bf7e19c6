"""Python's cyclic garbage collection in a process that serves for days."""

import gc
from typing import Final

_THRESHOLDS: Final = (20_000, 20, 20)


def settle() -> None:
    """Leave out what is loaded by now, and look for cycles seldom.

    A full collection goes through every object: with what the imports make, some 170,000, it held up all requests of a process for
    a tenth of a second, and the frequent small ones took a tenth of the CPU time of a search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
