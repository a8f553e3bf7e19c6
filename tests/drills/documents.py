"""What is uploaded and asked in a drill: the same every time, and no two passages alike."""

import random
from functools import cache
from pathlib import Path

from protostar.documents.media_types import MARKDOWN
from protostar.knowledge import chunking
from protostar.knowledge.parse import readers

PASSAGE = r"mark\d+x\d+"
"""Names a passage of a drill's documents, wherever it turns up."""

QUESTION = r"product number \d+"
"""Names a question."""

SECTIONS = 12

_WORDS = (
    "amber", "anchor", "barley", "basin", "beacon", "birch", "canyon", "cedar", "copper", "coral", "desert", "ember", "fern",
    "garnet", "glacier", "harbor", "ivory", "jasper", "lantern", "maple", "meadow", "onyx", "orchard", "pebble", "quartz", "raven",
)  # fmt: skip

GUIDE = """# Guarantee

The guarantee of every product lasts 730 days from the day of purchase, and the receipt must be kept until it ends.

# Shipping

Every product is shipped within 3 days, and shipping costs 5 dollars below an order value of 50 dollars.
"""


def name(number: int) -> str:
    return f"drill-{number:03}.md"


@cache
def content(number: int) -> bytes:
    """A Markdown document of about `SECTIONS` passages."""
    words = random.Random(number)
    sections = [f"# Report {number}\n"]
    for section in range(SECTIONS):
        marks = f"mark{number}x{section}"
        body = " ".join(" ".join(words.choices(_WORDS, k=9)).capitalize() + "." for _ in range(11))
        sections.append(f"## Section {section} {marks}\n\n{body}\n")
    return "\n".join(sections).encode()


def question(number: int) -> str:
    return f"How many days does the guarantee last for product number {number}?"


@cache
def chunk_count(number: int, folder: Path) -> int:
    """How many chunks the document has where nothing is disturbed."""
    path = folder / name(number)
    path.write_bytes(content(number))
    return sum(1 for _ in chunking.chunk(readers.read(path, MARKDOWN, 1_000_000)))
