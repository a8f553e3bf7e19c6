"""The words of the dashboard: templates and code say them in English, a catalogue has them in Korean."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal, get_args

Language = Literal["en", "ko"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


class Translator:
    """Calls with an English sentence, and what stands in its braces."""

    def __init__(self, language: Language, catalogue: Mapping[str, str]) -> None:
        self.language: Final = language
        self._catalogue = catalogue
        self._patterns = [
            (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(sentence))), said)
            for sentence, said in catalogue.items()
            if "{" in sentence
        ]

    def __call__(self, sentence: str, **values: object) -> str:
        said = self._catalogue.get(sentence, sentence)
        return said.format(**values) if values else said

    def told(self, sentence: str) -> str:
        """A finished sentence, as an error carries it; one with braces in the catalogue is recognised whatever stands in them.

        What does is said in the language too, where the catalogue has it.
        """
        if sentence in self._catalogue:
            return self._catalogue[sentence]
        for pattern, said in self._patterns:
            if match := pattern.fullmatch(sentence):
                return said.format(**{name: self._catalogue.get(value, value) for name, value in match.groupdict().items()})
        return sentence


def translators() -> dict[Language, Translator]:
    korean = json.loads(files("protostar.web").joinpath("static/words-ko.json").read_text(encoding="utf-8"))
    return {"en": Translator("en", {}), "ko": Translator("ko", korean)}


def preferred(header: str) -> Language:
    """Of an Accept-Language header (RFC 9110, section 12.5.4): the first in order of weight that we speak."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        try:
            wanted.append((-float(weight.partition("=")[2] or 1), tag.strip().lower()[:2]))
        except ValueError:
            continue
    for _weight, tag in sorted(wanted, key=lambda each: each[0]):
        for language in LANGUAGES:
            if tag == language:
                return language
    return "en"
