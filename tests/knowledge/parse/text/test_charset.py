import pytest
from tests.knowledge.parse.support import FILES

from protostar.knowledge.parse.text.charset import decode

GUIDE = (FILES / "guide-ko.md").read_text(encoding="utf-8")
KOREAN = "프로토스타는 문서를 올리면 질문에 답합니다. 漢字 혼용, 똠방각하 😀".replace(" 😀", "")


@pytest.mark.parametrize(
    ("name", "encoding", "text"),
    [
        ("guide-ko.md", "utf-8", GUIDE),
        ("guide-ko-bom.md", "utf-8", GUIDE),
        ("guide-ko-cp949.txt", "cp949", GUIDE.replace("😀", "")),
        ("guide-ko-utf16.txt", "utf-16-le", GUIDE),
        ("guide-ko-utf16be-nobom.txt", "utf-16-be", GUIDE),
        ("short-ko-cp949.txt", "cp949", "재고 현황\n서울 창고: 12개\n"),
        ("table-cp949.csv", "cp949", '이름,수량,메모\n사과,3,"빨강, 큼"\n배,5,노랑\n'),
        ("latin1.txt", "cp1252", "Le café coûte 3 € près de la forêt — déjà vu.\n"),
        ("badutf8.txt", "utf-8", "정상 문장입니다.\n��� 뒤도 정상.\n"),
        ("nul.txt", "utf-8", "before\0after\nline two\0\n"),
    ],
)
def test_the_files(name: str, encoding: str, text: str) -> None:
    assert decode((FILES / name).read_bytes()) == (text, encoding)


@pytest.mark.parametrize(
    "declared", ["euc-kr", "EUC-KR", "ks_c_5601-1987", "cp949", "utf-8", "iso-8859-1", "no-such-charset", None]
)
def test_korean_is_read_whatever_is_declared(declared: str | None) -> None:
    """EUC-KR is declared where Microsoft's superset is meant: 똠 is in the superset alone."""
    assert decode(KOREAN.encode("cp949"), declared) == (KOREAN, "cp949")


def test_what_is_declared_counts_where_it_fits() -> None:
    assert decode("Größe".encode("latin-1"), "iso-8859-1") == ("Größe", "cp1252")
    assert decode("Größe".encode("latin-1"), "iso-8859-2") == ("Größe", "iso8859-2")


@pytest.mark.parametrize(
    ("declared", "encoding", "text"),
    [("iso-8859-1", "cp1252", "“Größe” – 3 €"), ("gb2312", "gb18030", "朱镕基"), ("shift_jis", "cp932", "①これは日本語です。")],
)
def test_the_superset_of_what_is_declared(declared: str, encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), declared) == (text, encoding)


@pytest.mark.parametrize("sentence", ["© 2024 Example Ltd.", "Il caffè è buono, la città no.", "It costs £5."])
def test_a_few_western_letters_are_not_broken_korean(sentence: str) -> None:
    text = sentence + " Refunds are made within seven days, as the law has it." * 10
    assert decode(text.encode("cp1252"), "iso-8859-1") == (text, "cp1252")
    assert "\ufffd" not in decode(text.encode("cp1252"))[0]


@pytest.mark.parametrize("declared", ["euc-kr", None])
def test_a_few_broken_characters_are_no_other_language(declared: str | None) -> None:
    guide = GUIDE.encode("cp949", "ignore")
    cut = guide.index("프로토스타는".encode("cp949")) + 3  # inside a character, as boards cut the titles of their lists
    text, encoding = decode(guide[:cut] + b".." + guide[cut + 1 :], declared)
    assert encoding == "cp949"
    assert "매일 새벽 3시에 데이터베이스를 백업합니다." in text


def test_utf_8_is_believed_before_a_wrong_declaration() -> None:
    assert decode(KOREAN.encode(), "euc-kr") == (KOREAN, "utf-8")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Hello world, plain English.\n" * 3, KOREAN])
def test_utf_16_without_a_mark(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("これは日本語のテキストです。漢字とかなが混ざっています。\n" * 5, "cp932"),
        ("这是一个中文文本，用来测试编码识别。北京上海\n" * 5, "gb18030"),
        ("Привет, это русский текст для проверки.\n" * 3, "cp1251"),
    ],
)
def test_other_double_byte_text_is_not_taken_for_korean(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding))[0] == text


def test_a_file_cut_inside_a_character_stays_utf_8() -> None:
    text, encoding = decode(KOREAN.encode()[:-1])
    assert encoding == "utf-8"
    assert text.startswith("프로토스타는")


def test_nothing_and_noise_give_some_text() -> None:
    assert decode(b"") == ("", "utf-8")
    assert isinstance(decode(bytes(range(256)) * 20)[0], str)


ASCII = "id,name,place\n" * 7_000  # more than is looked at to tell encodings apart


@pytest.mark.parametrize("before", [ASCII, ASCII.replace("\n", " "), "© 2024\n" + ASCII])
def test_korean_behind_much_ascii(before: str) -> None:
    before = before.replace("©", "ⓒ")
    for text in (before + KOREAN, before + "\n" + KOREAN):
        assert decode(text.encode("cp949")) == (text, "cp949")


def test_utf_8_that_is_cut_behind_much_ascii() -> None:
    text, encoding = decode((ASCII + KOREAN).encode()[:-2])
    assert encoding == "utf-8"
    assert "프로토스타는 문서를 올리면" in text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("iso-2022-kr", "환불은 7일 안에"), ("iso-2022-jp", "返金は七日以内です"), ("hz-gb-2312", "七天之内")],
)
def test_letters_in_seven_bits(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), encoding)[0] == text
    assert decode(text.encode(), encoding) == (text, "utf-8")


@pytest.mark.parametrize(
    "declared", ["undefined", "base64", "hex", "idna", "punycode", "rot13", "unicode_escape", "no-such", "", "\0"]
)
def test_what_is_declared_and_is_no_charset_does_not_count(declared: str) -> None:
    assert decode("환불은 7일".encode("cp949"), declared) == ("환불은 7일", "cp949")
