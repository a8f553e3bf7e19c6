"""The markers of lists."""

from dataclasses import dataclass


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


def whole(value: str | None, otherwise: int) -> int:
    value = (value or "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else otherwise


def _counted(number: int, style: str) -> str:
    if style in {"a", "A"} and 1 <= number <= 26:
        return chr(ord(style) + number - 1)
    if style in {"i", "I"} and 1 <= number < 40:
        tens, ones = divmod(number, 10)
        text = "x" * tens + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[ones]
        return text.upper() if style == "I" else text
    return str(number)
