"""`protostar` and `python -m protostar`.

Exit codes: 0 done; 1 what was asked for failed; 2 no server, or a command line or setting that cannot be used; 130 Ctrl-C.
"""

import errno
import io
import os
import sys
from typing import BinaryIO, TextIO, cast

from protostar.cli.main import app
from protostar.errors import ConfigurationError, ProtostarError

_LEGIBLE = "replace"  # a terminal that is not UTF-8 shows question marks, not a traceback
_STDERR = 2
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class _OutputUnwritable(OSError):
    """The disk that what is printed goes to is full, or broken."""


class _Output(io.TextIOWrapper):
    """Standard output, whose errors are told from those of other files. Raises _OutputUnwritable."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _explained(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _explained(error) from error


def main() -> None:
    _reopen()
    sys.stdout = _output(sys.stdout)
    if isinstance(sys.stderr, io.TextIOWrapper):  # its errors are those of the log, which goes on without it
        cast("io.TextIOWrapper[io.BufferedWriter]", sys.stderr).reconfigure(errors=_LEGIBLE)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except ProtostarError as error:
        raise SystemExit(_complain(error)) from None
    except _OutputUnwritable as error:
        _leave_unsaid()
        raise SystemExit(_complain(ProtostarError(f"The output cannot be written: {error.strerror}."))) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:  # whoever read us has seen enough
        _leave_unsaid()
        raise SystemExit(1) from None


def _reopen() -> None:
    """Lead to nothing those of the standard streams that whoever started us has closed.

    A socket or a file would get their number: it would be printed into, and the event loop, which never closes one, would abort.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(_STDERR, "w")


def _output(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding, buffers_lines, is_unbuffered = stream.encoding, stream.line_buffering, stream.write_through
    buffer = cast("BinaryIO", stream.detach())
    return _Output(buffer, encoding, errors=_LEGIBLE, line_buffering=buffers_lines, write_through=is_unbuffered)


def _explained(error: OSError) -> OSError:
    return _OutputUnwritable(*error.args) if error.errno in _UNWRITABLE else error


def _leave_unsaid() -> None:
    """The interpreter must not complain of output that nobody takes when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(error: ProtostarError) -> int:
    from protostar.cli.client import NoServer  # noqa: PLC0415 - only whoever uses it pays for the HTTP client
    from protostar.cli.display import complain  # noqa: PLC0415

    complain(str(error))
    return 2 if isinstance(error, NoServer | ConfigurationError) else 1


if __name__ == "__main__":
    main()
