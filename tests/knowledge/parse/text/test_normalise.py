import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.knowledge.parse.text.normalise import clean, one_line, split_front_matter


@given(st.text(st.characters(categories=("Cs", "Lu", "Lo", "Cc", "Zs", "Cn")) | st.sampled_from("\r\n\0\ufeff\ufffe가😀")))
def test_a_cleaned_text_can_be_stored_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert not set(cleaned) & set("\r\0\ufeff\ufffe\uffff")
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("\ufeff# 제목", "# 제목"),
        ("before\0after", "beforeafter"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d alone", "\ufffd alone"),
        ("각 ﬁ", "각 ﬁ"),
    ],
)
def test_what_is_cleaned(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_one_line() -> None:
    assert one_line("  a\n\tb\u00a0 c ") == "a b c"


@pytest.mark.parametrize(
    ("text", "rest", "title"),
    [
        ("---\ntitle: 안내서\ntags: [a]\n---\n# 제목\n", "# 제목\n", "안내서"),
        ('---\ntitle: "Quoted"\n...\nrest', "rest", "Quoted"),
        ("+++\ntitle = 'TOML'\n+++\nrest", "rest", "TOML"),
        ("---\n# comment\nkey: value\n---", "", None),
        ("---\ntitle:  \nkey: value\n---\nrest", "rest", None),
        ("---\ntitle:  two  words \t\n---\nrest", "rest", "two  words"),
        ("---\ndescription: no title\n---\n\nrest", "\nrest", None),
        ("---\n\nA rule, then text: with a colon.\n\n---\n", None, None),
        ("---\ntitle: never closed\n\nrest", None, None),
        ("text\n---\ntitle: x\n---\n", None, None),
        ("", None, None),
    ],
)
def test_front_matter(text: str, rest: str | None, title: str | None) -> None:
    assert split_front_matter(text) == (text if rest is None else rest, title)
