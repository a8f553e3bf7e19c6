"""`protostar` and `python -m protostar`.

Exit codes: 0 done; 1 what was asked for failed; 2 no server, or a command line or setting that cannot be used; 130 Ctrl-C.
"""

import io
import os
import sys

from protostar.cli.main import app
from protostar.errors import ConfigurationError, ProtostarError


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows question marks, not a traceback
    try:
        app()
    except ProtostarError as error:
        raise SystemExit(_explain(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        # Whoever read us has seen enough; the interpreter must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def _explain(error: ProtostarError) -> int:
    from protostar.cli.client import NoServer  # noqa: PLC0415 - only whoever uses it pays for the HTTP client
    from protostar.cli.display import complain  # noqa: PLC0415

    complain(str(error))
    return 2 if isinstance(error, NoServer | ConfigurationError) else 1


if __name__ == "__main__":
    main()
