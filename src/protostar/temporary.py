"""The temporary folder of this machine, into which a file is copied to be read."""

import tempfile
from pathlib import Path

from protostar.errors import ConfigurationError


def temporary_folder() -> Path:
    """Raises ConfigurationError where none can be written to."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise ConfigurationError("No temporary folder can be written to: set TMPDIR to one that can.") from error
