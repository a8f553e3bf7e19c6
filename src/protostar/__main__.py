"""`protostar` and `python -m protostar`.

Exit codes: 0 done; 1 what was asked for failed; 2 no server, or a command line or setting that cannot be used; 130 Ctrl-C.
"""

import errno
import io
import os
import sys

from protostar.cli.main import app
from protostar.errors import ConfigurationError, ProtostarError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows question marks, not a traceback
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:  # it is None where whoever started us has closed it
                sys.stdout.flush()
    except ProtostarError as error:
        raise SystemExit(_explain(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:  # whoever read us has seen enough
        _leave_unsaid()
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in _FULL or _is_taken():
            raise
        _leave_unsaid()
        raise SystemExit(_explain(ProtostarError(f"The output cannot be written: {error.strerror}."))) from None


def _is_taken() -> bool:
    """Whether the output takes another line: then it was another file that could not be written."""
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError:
        return False
    return True


def _leave_unsaid() -> None:
    """The interpreter must not complain of output that nobody takes when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: ProtostarError) -> int:
    from protostar.cli.client import NoServer  # noqa: PLC0415 - only whoever uses it pays for the HTTP client
    from protostar.cli.display import complain  # noqa: PLC0415

    complain(str(error))
    return 2 if isinstance(error, NoServer | ConfigurationError) else 1


if __name__ == "__main__":
    main()
