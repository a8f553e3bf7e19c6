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
        (f"<p><img src=a.png alt='{PICTURE}'><img alt='logo'>", PICTURE),
    ],
)
def test_a_line(html: str, text: str) -> None:
    assert parse(html).text == text
