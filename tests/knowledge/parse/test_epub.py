"""Electronic books: what the small real files do not show."""

import zipfile
from pathlib import Path

import pytest
from tests.knowledge.parse.support import read, shown

from protostar.errors import UnreadableDocument


def book(path: Path, pages: dict[str, str], **more: str) -> Path:
    items = "".join(f'<item id="{name}" href="{name}.xhtml"/>' for name in pages)
    refs = "".join(f'<itemref idref="{name}"/>' for name in pages)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        container = '<container xmlns="urn:c"><rootfiles><rootfile full-path="O/c.opf"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("O/c.opf", f'<package xmlns="urn:o"><manifest>{items}</manifest><spine>{refs}</spine></package>')
        for name, content in pages.items():
            archive.writestr(f"O/{name}.xhtml", content)
        for name, content in more.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return path


def test_elements_that_close_themselves_swallow_nothing(tmp_path: Path) -> None:
    page = '<html><head><title/><script src="x.js"/></head><body><p>하나<br/><a id="x"/>둘</p><div/><p>셋</p></body></html>'
    text = [("paragraph", "하나\n둘"), ("paragraph", "셋")]
    assert shown(read(book(tmp_path / "a.epub", {"a": page}))) == text
    (tmp_path / "a.xhtml").write_text(f'<?xml version="1.0"?>{page}', "utf-8")
    assert shown(read(tmp_path / "a.xhtml")) == text


def test_a_book_has_no_menus(tmp_path: Path) -> None:
    links = "".join(f'<p><a href="b.xhtml#{word}">{word}</a></p>' for word in ("가격", "나이"))
    page = (
        '<nav><ol><li><a href="b.xhtml">차례</a></li></ol></nav><header><h2>찾아보기</h2></header>'
        f'<div class="toc">{links}</div><aside>곁의 글</aside><p>본문</p><footer>출처</footer><p hidden="hidden">숨은 글</p>'
    )
    assert shown(read(book(tmp_path / "a.epub", {"a": page}))) == [
        *(("heading", "찾아보기"), ("paragraph", "가격"), ("paragraph", "나이")),
        *(("paragraph", "곁의 글"), ("paragraph", "본문"), ("paragraph", "출처")),
    ]


def test_a_page_that_is_missing_is_passed_over(tmp_path: Path) -> None:
    path = book(tmp_path / "a.epub", {"a": "<p>text</p>"})
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "b.epub", "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(name, content.replace(b"<spine>", b'<spine><itemref idref="gone"/>'))
    assert shown(read(tmp_path / "b.epub")) == [("paragraph", "text")]


def test_a_protected_book_says_so(tmp_path: Path) -> None:
    encryption = '<encryption><CipherReference URI="O/a.xhtml"/></encryption>'
    with pytest.raises(UnreadableDocument, match="copy-protected"):
        read(book(tmp_path / "a.epub", {"a": "noise"}, **{"META-INF__encryption": encryption}))
