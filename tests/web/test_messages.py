"""Every word of the dashboard is there in Korean."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from protostar.documents.media_types import FORMAT_NAMES, detect
from protostar.errors import UnsupportedMediaType
from protostar.knowledge import parse
from protostar.spaces.schemas import KeyCreate, SpaceCreate, SpaceUpdate
from protostar.web import messages
from protostar.web.messages import preferred, translators
from protostar.web.pages import NAVIGATION
from protostar.webhooks.schemas import WebhookCreate

FOLDER = Path(messages.__file__).parent
SAID = re.compile(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")


def sentences() -> set[str]:
    files = [file for kind in ("*.html", "*.js", "*.py") for file in FOLDER.rglob(kind) if "vendor" not in file.parts]
    found = {double or single for file in files for double, single in SAID.findall(file.read_text(encoding="utf-8"))}
    return found | {section.label for section in NAVIGATION}


def test_the_korean_catalogue_is_complete_and_keeps_the_braces() -> None:
    catalogue = json.loads((FOLDER / "static/words-ko.json").read_text(encoding="utf-8"))
    assert len(sentences()) > 50
    assert sentences() - set(catalogue) == set()
    for english, korean in catalogue.items():
        assert set(re.findall(r"\{\w+\}", english)) >= set(re.findall(r"\{\w+\}", korean)), english


def test_sentences_of_errors_are_recognised_with_what_stands_in_them() -> None:
    korean = translators()["ko"]
    assert korean.told("The file is empty.") == "빈 파일입니다."
    assert "120초" in korean.told("Reading the file took longer than the 120 seconds that are allowed.")
    assert korean.told("Nobody has said this before.") == "Nobody has said this before."
    assert translators()["en"].told("The file is empty.") == "The file is empty."


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (SpaceCreate, {"name": " "}),
        (SpaceUpdate, {"settings": {"greeting": "a" * 501, "starter_questions": ["a"] * 12}}),
        (SpaceUpdate, {"settings": {"starter_questions": ["a" * 301]}}),
        (KeyCreate, {"role": "ask", "name": "a", "origins": ["example.com"]}),
        (WebhookCreate, {"url": "http://example.com", "events": []}),
    ],
)
def test_what_the_forms_of_the_dashboard_are_refused_for_is_said_in_korean(model: type[BaseModel], body: dict[str, Any]) -> None:
    korean = translators()["ko"]
    with pytest.raises(ValidationError) as refused:
        model.model_validate(body)
    for issue in refused.value.errors():
        sentence = issue["msg"].removeprefix("Value error, ")
        assert re.search("[가-힣]", korean.told(sentence)), sentence


def test_roles_are_told_in_korean() -> None:
    told = translators()["ko"].told("This needs a key of the role «admin»; yours is «manage».")
    assert told == "«관리자» 역할의 키가 필요합니다. 지금 키는 «관리»입니다."


def test_a_receiver_that_does_not_answer_is_told_as_a_server_that_does_not() -> None:
    korean = translators()["ko"]
    catalogue = json.loads((FOLDER / "static/words-ko.json").read_text(encoding="utf-8"))
    endings = [sentence.partition(": ")[2] for sentence in catalogue if sentence.startswith("The server did not answer: ")]
    assert len(endings) > 5
    for ending in endings:
        assert re.search("[가-힣]", korean.told(f"The receiver did not answer: {ending}")), ending
    assert "503" in korean.told("The receiver answered 503.")
    assert "넘기는" in korean.told("The receiver answered 302, and redirects are not followed.")


def test_what_is_read_is_listed_in_korean() -> None:
    korean = translators()["ko"]
    assert korean(FORMAT_NAMES) != FORMAT_NAMES
    for name in ("photo.png", "letter.doc"):
        with pytest.raises(UnsupportedMediaType) as refused:
            detect(name, None, b"\x89PNG\r\n\x1a\n")
        said = korean.told(str(refused.value))
        assert korean(FORMAT_NAMES) in said
        assert "plain text" not in said


def test_kinds_of_files_are_named_in_korean_within_a_sentence() -> None:
    korean = translators()["ko"]
    readers = Path(parse.__file__).parent.rglob("*.py")
    kinds = {kind for reader in readers for kind in re.findall(r'_KIND = "(.+)"', reader.read_text(encoding="utf-8"))} | {"a PDF"}
    assert len(kinds) > 5
    for kind in kinds:
        assert kind not in korean.told(f"The file is damaged, incomplete or not {kind}.")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-GB,ko;q=0.5", "en"),
        ("de, ko;q=0.2, en;q=0.4", "en"),
        ("ja", "en"),
        ("ko;q=bad, en", "en"),
        ("", "en"),
    ],
)
def test_the_language_is_the_first_that_we_speak(header: str, language: str) -> None:
    assert preferred(header) == language
