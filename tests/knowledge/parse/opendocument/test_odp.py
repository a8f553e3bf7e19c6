"""OpenDocument presentations: what the real one does not show."""

from pathlib import Path

from tests.knowledge.parse.packages import odt
from tests.knowledge.parse.support import read, shown

HIDDEN = (
    '<style:style style:name="dp2" style:family="drawing-page"><style:drawing-page-properties presentation:visibility="hidden"/>'
    "</style:style>"
)


def frame(text: str, kind: str = "", attributes: str = "") -> str:
    of = f' presentation:class="{kind}"' if kind else ""
    return f"<draw:frame{of} {attributes}><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"


def slide(*shapes: str, style: str = "dp1") -> str:
    return f'<draw:page draw:style-name="{style}">{"".join(shapes)}</draw:page>'


def odp(path: Path, *slides: str) -> Path:
    return odt(path / "a.odp", "".join(slides), automatic=HIDDEN, kind="presentation")


def test_a_slide_is_its_title_its_shapes_and_its_notes(tmp_path: Path) -> None:
    notes = f"<presentation:notes>{frame('쪽 번호', 'page-number')}{frame('메모', 'notes')}</presentation:notes>"
    group = f"<draw:g>{frame('묶음 안')}<draw:custom-shape><text:p>도형</text:p></draw:custom-shape></draw:g>"
    parsed = read(odp(tmp_path, slide(frame("본문"), frame("제목", "title"), frame("꼬리말", "footer"), notes, group)))
    assert shown(parsed) == [("heading", "제목"), *(("paragraph", text) for text in ("본문", "묶음 안", "도형", "메모"))]
    assert {(block.page, block.heading_path) for block in parsed.blocks} == {(1, ("제목",))}


def test_hidden_slides_and_shapes_are_counted_and_not_read(tmp_path: Path) -> None:
    parsed = read(
        odp(tmp_path, slide(frame("비밀"), style="dp2"), slide(frame("숨은 것", attributes='draw:display="none"'), frame("글")))
    )
    assert [(block.page, text) for block, (_, text) in zip(parsed.blocks, shown(parsed), strict=True)] == [(2, "글")]
    assert (parsed.page_count, parsed.title) == (2, "제목")


def test_a_hidden_title_is_none(tmp_path: Path) -> None:
    hidden = frame("숨은 제목", "title", 'draw:display="none"')
    assert shown(read(odp(tmp_path, slide(hidden, frame("글"))))) == [("paragraph", "글")]


def test_a_slide_without_a_title_is_not_under_the_one_before(tmp_path: Path) -> None:
    parsed = read(odp(tmp_path, slide(frame("제목", "title"), frame("하나")), slide(frame("둘"))))
    assert [block.heading_path for block in parsed.blocks] == [("제목",), ("제목",), ()]
