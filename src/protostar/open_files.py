"""How many files and sockets a process may have open at once: each client and each open answer takes one."""

import resource
from typing import Final

# What walks through all descriptors that there could be takes long where the limit is a billion, as in some containers.
_ENOUGH: Final = 65_536


def obtainable() -> int:
    """How many a process may have once it has called `raise_limit`."""
    soft, hard = (_ENOUGH if limit == resource.RLIM_INFINITY else limit for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
    return max(soft, min(hard, _ENOUGH))


def raise_limit() -> None:
    """Up to the hard limit: the soft one is often kept at 256 or 1,024 for programs that call select(2)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < obtainable():
        resource.setrlimit(resource.RLIMIT_NOFILE, (obtainable(), hard))
