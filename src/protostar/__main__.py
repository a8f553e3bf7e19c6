"""`protostar` and `python -m protostar`.

Exit codes: 0 done; 1 what was asked for failed; 2 no server, or a command line or setting that cannot be used; 130 Ctrl-C.
"""

import errno
import io
import os
import sys
import traceback

from protostar.cli.main import app
from protostar.errors import ConfigurationError, ProtostarError

_PRINTING = ("protostar.cli.display", "protostar.cli.ask", "rich.", "click.", "typer.")
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


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
        if error.errno not in _UNWRITABLE or not _is_of_output(error):
            raise
        _leave_unsaid()
        raise SystemExit(_explain(ProtostarError(f"The output cannot be written: {error.strerror}."))) from None


def _is_of_output(error: OSError) -> bool:
    """Whether what was printed could not be written, and not another file: by the module that has tried."""
    frames = list(traceback.walk_tb(error.__traceback__))
    module = str(frames[-1][0].f_globals["__name__"])
    return module == __name__ or module.startswith(_PRINTING)


def _leave_unsaid() -> None:
    """The interpreter must not complain of output that nobody takes when it flushes at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: ProtostarError) -> int:
    from protostar.cli.client import NoServer  # noqa: PLC0415 - only whoever uses it pays for the HTTP client
    from protostar.cli.display import complain  # noqa: PLC0415

    complain(str(error))
    return 2 if isinstance(error, NoServer | ConfigurationError) else 1


if __name__ == "__main__":
    main()
