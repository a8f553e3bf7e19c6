"""Where passages stand on the pages of a PDF, and how a page looks."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image
from tests.knowledge.parse.pdfs import at, rule, text, write_pdf
from tests.knowledge.parse.support import FILES, NO_LIMIT

from protostar.errors import NotFound, UnreadableDocument
from protostar.knowledge import chunking
from protostar.knowledge.parse.model import ParsedText, Passage
from protostar.knowledge.parse.pdf import passages, reader
from protostar.knowledge.parse.pdf.glyphs import BULLETS
from protostar.knowledge.parse.process import pages

PDFS = sorted(FILES.glob("*.pdf"))
INSET = 1.0  # points: what begins beside a box belongs to it for PDFium


def ranges(parsed: ParsedText) -> Iterator[tuple[int, int]]:
    """Everything, each passage, each line, and any others."""
    yield 0, len(parsed.text)
    yield from ((chunk.start, chunk.end) for chunk in chunking.chunk(parsed))
    ends = [-1, *(at for at, character in enumerate(parsed.text) if character == "\n"), len(parsed.text)]
    yield from ((start + 1, end) for start, end in pairwise(ends))
    seeded = random.Random(7)
    for _ in range(100):
        start = seeded.randrange(len(parsed.text))
        yield start, seeded.randrange(start, min(len(parsed.text), start + 900) + 1)


def read_back(path: Path, quote: str, start: int, parsed: ParsedText) -> tuple[str, list[int]]:
    """What PDFium reads within the boxes of a passage, without blanks, and on which pages."""
    document = reader.open_document(path)
    found, numbers = "", list[int]()
    for number, boxes in passages.find(document, passage(parsed, start, start + len(quote)), NO_LIMIT):
        page = document[number - 1]
        numbers.append(number)
        width, height = page.get_size()
        text_page = page.get_textpage()
        for box in boxes:
            assert 0 <= box.left < box.right <= 1
            assert 0 <= box.top < box.bottom <= 1
            sides = (box.left * width + INSET, height - box.bottom * height, box.right * width - INSET, height - box.top * height)
            found += text_page.get_text_bounded(*sides).translate(BULLETS)
    return squeezed(found), numbers


def passage(parsed: ParsedText, start: int, end: int) -> Passage:
    return Passage(parsed.text[start:end], parsed.text[max(0, start - 1000) : start], start, len(parsed.text))


def squeezed(words: str) -> str:
    return "".join(words.split())


@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.name)
def test_what_stands_in_the_boxes_is_the_passage(path: Path) -> None:
    parsed = reader.read(path, NO_LIMIT)
    for start, end in ranges(parsed):
        quote = parsed.text[start:end]
        found, numbers = read_back(path, quote, start, parsed)
        assert found == squeezed(quote.replace("|", ""))  # what stands between cells in the text is not on the page
        assert set(numbers) == {
            block.page for block in parsed.blocks if squeezed(parsed.text[max(start, block.start) : min(end, block.end)])
        }


def test_a_passage_has_a_box_for_each_line_and_one_for_each_column(tmp_path: Path) -> None:
    columns = "BT /F1 12 Tf 72 700 Td (left side) Tj 250 0 Td (right side) Tj -250 -14 Td (below them) Tj ET"
    path = write_pdf(tmp_path / "a.pdf", [columns])
    parsed = reader.read(path, NO_LIMIT)
    ((number, boxes),) = passages.find(reader.open_document(path), passage(parsed, 0, len(parsed.text)), NO_LIMIT)
    assert (number, len(boxes)) == (1, 3)
    left, right, below = boxes
    assert left.left == pytest.approx(below.left) == pytest.approx(72 / 612, abs=0.01)
    assert right.left == pytest.approx(322 / 612, abs=0.01)
    assert left.top == pytest.approx(right.top)
    assert left.top < below.top


def test_of_words_that_stand_twice_those_that_are_meant_are_found(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [text("same words", "same words", "same words"), text("same words")])
    parsed = reader.read(path, NO_LIMIT)
    document = reader.open_document(path)
    tops = list[tuple[int, float]]()
    for start in (0, 11, 22, 33):
        assert parsed.text[start : start + 10] == "same words"
        ((number, (box,)),) = passages.find(document, passage(parsed, start, start + 10), NO_LIMIT)
        tops.append((number, box.top))
    assert [number for number, _ in tops] == [1, 1, 1, 2]
    assert tops[0] < tops[1] < tops[2]


def test_in_a_long_file_the_right_one_of_many_equal_passages_is_found(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [text("Every page says the same.", "And then it says this.")] * 40)
    parsed = reader.read(path, NO_LIMIT)
    document = reader.open_document(path)
    for number, block in enumerate(parsed.blocks, 1):
        assert block.page == number
        assert [page for page, _ in passages.find(document, passage(parsed, block.start, block.end), NO_LIMIT)] == [number]


def test_a_passage_of_a_long_table_is_found_though_its_head_is_pages_before(tmp_path: Path) -> None:
    def page(number: int) -> str:
        rows = [["name", "price", "note"]] * (number == 0) + [[f"row {number} {row}", "free", "none"] for row in range(40)]
        ys = [780 - 18 * row for row in range(len(rows) + 1)]
        rules = "".join(rule(x, ys[0], x, ys[-1]) for x in (72, 172, 272, 372)) + "".join(rule(72, y, 372, y) for y in ys)
        cells = (at(76 + 100 * n, y - 13, words) for y, row in zip(ys, rows, strict=False) for n, words in enumerate(row))
        return rules + "".join(cells)

    path = write_pdf(tmp_path / "a.pdf", [page(number) for number in range(18)])
    parsed = reader.read(path, NO_LIMIT)
    block = parsed.blocks[-2]
    quote = parsed.text[block.start : block.end]
    assert quote.startswith("name | price | note\nrow")
    found, numbers = read_back(path, quote, block.start, parsed)
    assert "row170" in found
    assert numbers == [18]


def test_a_passage_with_a_hyphen_at_the_end_of_a_line_is_found(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [text("We sell the RTX-", "4090 and other exam-", "ples.")])
    parsed = reader.read(path, NO_LIMIT)
    assert parsed.text == "We sell the RTX-4090 and other examples."
    found, _ = read_back(path, parsed.text, 0, parsed)
    assert found.startswith("WeselltheRTX")
    assert found.endswith("ples.")


def test_a_passage_with_raised_numbers_is_found(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [at(72, 700, "up to 10") + at(120, 705, "6", 7) + at(130, 700, "of them")])
    parsed = reader.read(path, NO_LIMIT)
    assert "10⁶" in parsed.text
    found, _ = read_back(path, parsed.text, 0, parsed)
    assert found == "upto106ofthem"


def test_a_text_that_was_read_otherwise_is_found_by_its_words(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", [text("First words", "and more."), text("On the next page.")])
    document = reader.open_document(path)
    ((number, boxes),) = passages.find(document, Passage("words  and\n\nmore.", "", 1000, 1000), NO_LIMIT)
    assert (number, len(boxes)) == (1, 2)
    assert [number for number, _ in passages.find(document, Passage("more.On the", "", 0, 0), NO_LIMIT)] == [1, 2]
    assert list(passages.find(document, Passage("words that are not there", "", 0, 1), NO_LIMIT)) == []
    assert list(passages.find(document, Passage(" \n", "", 0, 1), NO_LIMIT)) == []


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_boxes_lie_over_what_is_drawn_however_a_page_is_turned_and_cropped(tmp_path: Path, turned: int) -> None:
    page = f"/MediaBox [0 0 612 792] /CropBox [50 400 450 780] /Rotate {turned}"
    path = write_pdf(tmp_path / "a.pdf", [text("Turned and", "cropped.")], page=page)
    parsed = reader.read(path, NO_LIMIT)
    ((_, boxes),) = passages.find(reader.open_document(path), passage(parsed, 0, len(parsed.text)), NO_LIMIT)
    pages.draw(path, tmp_path, 1, 800)
    with Image.open(tmp_path / "page.webp") as image:
        grey = image.convert("L")
    assert (grey.width > grey.height) == (turned in (0, 180))
    assert darkest(grey) < 64
    covered = 0.0
    for box in boxes:
        covered += (box.right - box.left) * (box.bottom - box.top)
        sides = (box.left * grey.width, box.top * grey.height, box.right * grey.width, box.bottom * grey.height)
        grey.paste(255, tuple(round(side) for side in sides))
    assert darkest(grey) > 200  # nothing is left
    assert covered < 0.1


def darkest(grey: Image.Image) -> int:
    return min(grey.tobytes())


def test_an_image_is_as_wide_as_was_asked_and_never_huge(tmp_path: Path) -> None:
    pages.draw(FILES / "guide-ko.pdf", tmp_path, 1, 500)
    with Image.open(tmp_path / "page.webp") as image:
        assert (image.format, image.width) == ("WEBP", 500)
        assert image.height == pytest.approx(500 * 842 / 595, abs=2)
        assert image.convert("L").getextrema()[0] < 64
    for box in ("[0 0 10 14400]", "[0 0 14400 14400]", "[0 0 14400 1]"):
        pages.draw(write_pdf(tmp_path / "a.pdf", [text("a")], page=f"/MediaBox {box}"), tmp_path, 1, 2000)
        with Image.open(tmp_path / "page.webp") as image:
            assert image.width * image.height <= 6_100_000
            assert max(image.size) <= 16_383


def test_what_was_filled_in_is_seen(tmp_path: Path) -> None:
    field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (b) /Rect [100 100 500 500] /MK << /BG [0 0 0] >> >>"
    page = f"/MediaBox [0 0 612 792] /Annots [{field}]"
    path = write_pdf(tmp_path / "a.pdf", [""], page=page, catalog="/AcroForm << /Fields [] >>")
    pages.draw(path, tmp_path, 1, 500)
    with Image.open(tmp_path / "page.webp") as image:
        assert darkest(image.convert("L")) < 64


def test_a_page_past_the_last_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has 2 pages"):
        pages.draw(write_pdf(tmp_path / "a.pdf", ["", ""]), tmp_path, 3, 500)


def test_a_page_that_cannot_be_read_is_no_crash(tmp_path: Path) -> None:
    content = write_pdf(tmp_path / "a.pdf", [text("one"), text("two")]).read_bytes()
    (tmp_path / "b.pdf").write_bytes(content.replace(b"10 0 obj\n<< /Type /Page ", b"10 0 obj\n<< /Type /Pear "))
    document = reader.open_document(tmp_path / "b.pdf")
    assert pages.sizes(document)[0] == (612, 792)
    assert len(pages.sizes(document)) == len(document)
    with pytest.raises(UnreadableDocument):
        pages.draw(FILES / "guide-ko.md", tmp_path, 1, 500)
