"""The headings above the place that a reader has reached."""

from protostar.knowledge.parse.text.normalise import shortened

_LONGEST_TITLE = 200
_DEEPEST = 16  # a page that is attached to a mail within mails comes to 14; each passage holds all headings above it


class Outline:
    """`path` is shared between the blocks of a section, so that a long document holds each path once."""

    def __init__(self) -> None:
        self.path: tuple[str, ...] = ()
        self._levels: list[int] = []

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """Begin the section `title` (one line) of `level`, 1 being the outermost; returns the path with it."""
        level = min(level, _DEEPEST)
        while self._levels and self._levels[-1] >= level:
            self._levels.pop()
        self._levels.append(level)
        self.path = (*self.path[: len(self._levels) - 1], shortened(title, _LONGEST_TITLE))
        return self.path

    def leave(self) -> None:
        """Close all sections: what follows stands under no heading."""
        self._levels.clear()
        self.path = ()
