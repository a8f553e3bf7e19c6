"""Articles of statutes and terms."""

from pathlib import Path

from tests.knowledge.parse.support import check, read

TERMS = """이용 약관

제1장 총칙

제1조(목적) 이 약관은 이용 조건을 정한다.
제2조의2 (정의)
① "회원"이란 가입한 사람을 말한다.

② 제1조(목적)에 따른다.

제2장  요금
제3조【환불】 7일 안에 돌려준다.

부 칙 <2026. 3. 1.>

제1조(시행일) 바로 시행한다.
"""


def test_each_article_is_a_section(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(TERMS)
    parsed = read(path)
    assert [(block.kind, parsed.text[block.start : block.end], block.heading_path) for block in parsed.blocks] == [
        ("paragraph", "이용 약관", ()),
        ("heading", "제1장 총칙", ("제1장 총칙",)),
        ("paragraph", "제1조(목적) 이 약관은 이용 조건을 정한다.", ("제1장 총칙", "제1조(목적)")),
        ("paragraph", '제2조의2 (정의)\n① "회원"이란 가입한 사람을 말한다.', ("제1장 총칙", "제2조의2 (정의)")),
        ("paragraph", "② 제1조(목적)에 따른다.", ("제1장 총칙", "제2조의2 (정의)")),
        ("heading", "제2장  요금", ("제2장 요금",)),
        ("paragraph", "제3조【환불】 7일 안에 돌려준다.", ("제2장 요금", "제3조【환불】")),
        ("heading", "부 칙 <2026. 3. 1.>", ("부 칙 <2026. 3. 1.>",)),
        ("paragraph", "제1조(시행일) 바로 시행한다.", ("부 칙 <2026. 3. 1.>", "제1조(시행일)")),
    ]


def test_articles_stand_below_the_headings_of_the_document(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# 약관\n\n제1조(목적) 가\n\n제2조(정의) 나\n\n## 부록\n\n글\n\n제1조(요금) 다\n")
    parsed = read(path)
    assert [block.heading_path for block in parsed.blocks] == [
        *(("약관",), ("약관", "제1조(목적)"), ("약관", "제2조(정의)"), ("약관", "부록"), ("약관", "부록")),
        ("약관", "부록", "제1조(요금)"),
    ]


def test_a_text_that_only_speaks_of_articles_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("제3조(환불)에 따라 돌려준다.\n\n제4조(요금) 부터 본다.\n\n제5조(정의)를 본다.\n\n제2장의 글이다.\n")
    prose = tmp_path / "b.txt"
    prose.write_text("제 4 장 은 표를 다룬다.\n\n제5장 은 그림을 다룬다\n\n제6장 수식, 표.\n\n제 7 장 도움말 51\n")
    assert {block.heading_path for block in read(prose).blocks} == {()}
    prose.write_text("이용자가 내는 요금은\n제7조(요금) 제1항에 따라\n제8조(할인) 제2항에 따라\n제9조(면제) 에 따른다.\n")
    assert {block.heading_path for block in read(prose).blocks} == {()}
    assert {block.heading_path for block in read(path).blocks} == {()}
    check(read(path))
