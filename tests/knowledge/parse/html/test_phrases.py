import pytest
from tests.knowledge.parse.html.pages import parse

PICTURE = "신청 기간은 3월 2일부터 3월 20일까지이며 구청 1층 민원실에서 방문 접수합니다. 문의는 02-123-4567로 하십시오."

TEX = "<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></semantics></math>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("10<sup>6</sup> m<sup>2</sup>, 10<sup>-3</sup>, x<sup>n</sup>", "10⁶ m², 10⁻³, xⁿ"),
        ("the 4<sup>th</sup>, 별표<sup>1)</sup>, H<sub>2</sub>O", "the 4th, 별표1), H2O"),
        ("a note<sup>[<a href='#n1'>1</a>]</sup>.", "a note."),
        ("<ruby>訓民正音<rp>(</rp><rt>훈민정음</rt><rp>)</rp></ruby>은", "訓民正音(훈민정음)은"),
        ("85만&shy;원이&#8203;었다", "85만원이었다"),
        ("<span class=label>판매가</span><span class=price>259,000</span><span class=unit>원</span>", "판매가 259,000 원"),
        ("<code><span class=k>def</span><span class=n>f</span></code> <b>bo</b>ld", "deff bold"),
        ("<label><input type=radio>만족</label><label><input type=radio>불만족</label>", "만족 불만족"),
        ("정가 <del>329,000원</del> <s>300,000원</s> 259,000원", "정가 259,000원"),
        ("<math><mi>E</mi><mo>=</mo><mi>m</mi></math>", "E = m"),
        ("<math alttext='{\\displaystyle E=mc^{2}}'><mi>E</mi></math>", "E=mc^{2}"),
        (
            f"<span class=katex><span>{TEX}</span><span class=katex-html aria-hidden=true>x2</span></span>",
            "x^2",
        ),
        ("<span style='display: none'><math alttext='a+b'></math></span><img alt='a+b'>", "a+b"),
        ("<ul><li><b>주소</b><span>서울</span><li><em>기간</em><strong>7일</strong></ul>", "- 주소 서울\n- 기간 7일"),
        ("<div><span>기본료</span><span>월 1만원</span></div>", "기본료 월 1만원"),
        ("<p><span>환</span><span>불</span></p><div><span style='color:red'>환</span><span>불</span></div>", "환불\n\n환불"),
        ("<div><b>환</b><b>불</b><b>은</b></div><div>가격은 <b>1,000</b><span>원</span>", "환불은\n\n가격은 1,000원"),
        (
            "<p><span class=q>Q</span>배송은?<p><i class=a>A</i>2일<p>비타민<b>A</b>가<p><b>A</b>!",
            "Q 배송은?\n\nA 2일\n\n비타민A가\n\nA!",
        ),
        ("<span class='material-icons'>expand_more</span>더보기", "더보기"),
        (
            "<a href='tel:02-123-4567'>전화 걸기</a>, <a href='mailto:a@b.kr?subject=x'>쓰기</a>",
            "전화 걸기 02-123-4567, 쓰기 a@b.kr",
        ),
        ("<a href='tel:+82-2-123-4567'>02) 123-4567</a>, <a href='mailto:A@b.kr'>a@B.kr</a>", "02) 123-4567, a@B.kr"),
        (
            "<table><tr><th>기능<th>기본<tr><td>검색<td><img alt=가능><tr><td>인쇄<td><a><img alt=보기></a></table>",
            "기능 | 기본\n검색 | 가능\n인쇄",
        ),
        (f"<p><img src=a.png alt='{PICTURE}'><img alt='logo'>", PICTURE),
    ],
)
def test_a_line(html: str, text: str) -> None:
    assert parse(html).text == text
