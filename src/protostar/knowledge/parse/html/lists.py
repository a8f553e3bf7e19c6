"""The markers of lists."""

from dataclasses import dataclass

from protostar.knowledge.parse.text.numerals import LETTERS, roman, spelled, whole


@dataclass(slots=True)
class Listing:
    """A list that is open: the number of its next item, or None if they have none; `style` as HTML's `type`."""

    number: int | None
    style: str
    depth: int
    """How many lists the items are in, up to the section that they stand in."""
    titled: bool = False
    """Whether the item under way has a heading: what follows is a section, not an item."""

    def marker(self, value: str | None) -> str:
        """That of the next item, to which the page may have given a number."""
        if self.number is None:
            return "- "
        number = whole(value, self.number)
        self.number = number + 1
        return f"{_counted(number, self.style)}. "


def _counted(number: int, style: str) -> str:
    match style:
        case "a":
            return spelled(number, LETTERS.lower())
        case "A":
            return spelled(number, LETTERS)
        case "i":
            return roman(number).lower()
        case "I":
            return roman(number)
        case _:
            return str(number)
