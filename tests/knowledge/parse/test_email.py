"""E-mail: what the small real files do not show."""

import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.knowledge.parse.support import block_with, read, shown, write

from protostar.errors import UnreadableDocument


def test_html_is_read_where_there_is_no_plain_text(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "HTML"
    message["From"] = "홍길동 <a@example.com>"
    message.set_content("<h1>머리</h1><p>본문 <b>굵게</b></p>", subtype="html")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert shown(parsed) == [
        ("heading", "HTML"),
        ("paragraph", "From: 홍길동 <a@example.com>"),
        ("heading", "머리"),
        ("paragraph", "본문 굵게"),
    ]
    assert parsed.blocks[-1].heading_path == ("HTML", "머리")


def test_a_mail_in_raw_korean_bytes(tmp_path: Path) -> None:
    content = "Subject: 점검 안내\r\nFrom: 관리자\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\n\r\n내일 점검합니다. 똠"
    parsed = read(write(tmp_path / "a.eml", content.encode("cp949")))
    assert shown(parsed) == [("heading", "점검 안내"), ("paragraph", "From: 관리자"), ("paragraph", "내일 점검합니다. 똠")]


def test_forwarded_mail_and_text_attachments_are_read(tmp_path: Path) -> None:
    inner = EmailMessage()
    inner["Subject"] = "원본"
    inner.set_content("원래 내용")
    outer = EmailMessage()
    outer["Subject"] = "전달"
    outer.set_content("아래를 보십시오.")
    outer.add_attachment(inner)
    outer.add_attachment("# 메모\n\n내용", subtype="markdown", filename="메모.md")
    outer.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="a.png")
    parsed = read(write(tmp_path / "a.eml", outer.as_bytes()))
    assert block_with(parsed, "원래 내용").heading_path == ("전달", "원본")
    assert block_with(parsed, "# 메모").kind == "heading"
    assert "PNG" not in parsed.text


STORY = "<h1>주문 확인</h1><table><tr><th>상품<th>가격<tr><td>사과<td>1,000원</table><p>3월 7일에 배송합니다.</p>"


@pytest.mark.parametrize("plain", ["", "이 메일은 HTML 메일입니다. 웹에서 보기: https://example.com/a/b/c/d/e/f/g", "주문 확인"])
def test_html_is_read_where_the_plain_text_says_less(tmp_path: Path, plain: str) -> None:
    message = EmailMessage()
    message["Subject"] = "주문"
    message.set_content(plain)
    message.add_alternative(STORY, subtype="html")
    page = message.get_body(("html",))
    assert page is not None
    page.add_related(b"GIF", maintype="image", subtype="gif", cid="<logo>", filename="logo.gif", disposition="inline")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert [text for _, text in shown(parsed)] == ["주문", "주문 확인", "상품 | 가격\n사과 | 1,000원", "3월 7일에 배송합니다."]


def test_plain_text_that_says_the_same_is_read(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "주문"
    message.set_content("*주문 확인*\n\n상품: 사과\n가격: 1,000원\n\n3월 7일에 배송합니다.")
    message.add_alternative(STORY, subtype="html")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert [text for _, text in shown(parsed)][1:] == ["*주문 확인*", "상품: 사과\n가격: 1,000원", "3월 7일에 배송합니다."]


def test_attachments_are_read_as_what_they_are_or_named(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "자료"
    message.set_content("첨부를 보십시오.")
    message.add_attachment("# 안내\n\n내용".encode(), maintype="application", subtype="octet-stream", filename="안내.md")
    message.add_attachment("품목,값\n사과,3".encode("cp949"), maintype="application", subtype="vnd.ms-excel", filename="a.csv")
    message.add_attachment(b"%PDF-1.7 noise", maintype="application", subtype="octet-stream", filename="계약서.pdf")
    message.add_attachment(b"signed", maintype="application", subtype="pgp-signature", filename="signature.asc")
    inner = EmailMessage()
    inner["Subject"] = "원본"
    inner.set_content("원래 내용")
    message.add_attachment(inner.as_bytes(), maintype="application", subtype="octet-stream", filename="원본.eml")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert [text for _, text in shown(parsed)] == [
        *("자료", "Attachments that were not read: 계약서.pdf", "첨부를 보십시오.", "안내.md", "# 안내", "내용"),
        *("a.csv", "품목 | 값\n사과 | 3", "원본", "원래 내용"),
    ]


def test_what_is_attached_to_the_alternative_is_seen(tmp_path: Path) -> None:
    """As Apple's program writes it."""
    page = b"--C\nContent-Type: text/html\n\n<p>hello there\n--C\nContent-Type: application/pdf; name=a.pdf\n\nx\n--C--\n"
    content = b"Subject: s\nContent-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: text/plain\n\nhello there\n"
    content += b"--B\nContent-Type: multipart/mixed; boundary=C\n\n" + page + b"--B--\n"
    texts = [text for _, text in shown(read(write(tmp_path / "a.eml", content)))]
    assert texts == ["s", "Attachments that were not read: a.pdf", "hello there"]


def test_more_addresses_than_are_read_are_said_to_go_on(tmp_path: Path) -> None:
    to = ",\n ".join(f"person {number} <{number}@example.org>" for number in range(2_000))
    texts = [text for _, text in shown(read(write(tmp_path / "a.eml", f"Subject: s\nTo: {to}\nDate: today\n\nbody")))]
    assert re.search(r"person (\d+) <\1@example\.org> …\nDate: today$", texts[1])


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: s\nContent-Type: multipart/mixed\n\nno boundary, still text",
        b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nno boundary, still text",
        b"Subject: s\nContent-Type: text/plain; charset=no-such\n\nno boundary, still text",
        b'Subject: s\nFrom: "broken <a@b\nContent-Type: ;;;\n\nno boundary, still text',
    ],
)
def test_malformed_mail_is_still_read(tmp_path: Path, content: bytes) -> None:
    assert "no boundary, still text" in read(write(tmp_path / "a.eml", content)).text


def test_a_mail_that_is_a_picture_has_a_subject_only(tmp_path: Path) -> None:
    content = b"Subject: s\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo="
    assert shown(read(write(tmp_path / "a.eml", content))) == [("heading", "s")]


def test_what_is_no_mail(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="not an e-mail"):
        read(write(tmp_path / "a.eml", "그냥 글입니다."))
