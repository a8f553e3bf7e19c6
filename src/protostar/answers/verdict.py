"""A model's own word on whether the passages answer, for questions where the rule of `retrieval.relevance` is not sure.

The prompt asks for it before anything else (`llm.prompts`). A model that does not keep to that has not said that they do.
"""

import re
from typing import Final

from protostar.llm.prompts import ANSWERED

_MARKS: Final = "*_`\"'.:!"
_SAID: Final = re.compile(
    rf"[\s#{_MARKS}]*+{ANSWERED}\b[{_MARKS}]*(?:\s++(?=\S)|(?<=[{_MARKS}])(?=\w)|(?=[^\s\w{_MARKS}]))", re.IGNORECASE
)


class Verdict:
    """Takes the pieces of a model's text, and gives what follows the verdict. `answers`: what it was; None until it is known."""

    def __init__(self) -> None:
        self.answers: bool | None = None
        self._begun = ""

    def feed(self, piece: str) -> str:
        if self.answers is not None:
            return piece if self.answers else ""
        self._begun += piece
        if said := _SAID.match(self._begun):
            self.answers = True
            return self._begun[said.end() :]
        begun = self._begun.lstrip(f"# \t\r\n{_MARKS}").upper()
        if not ANSWERED.startswith(begun[: len(ANSWERED)]) or begun[len(ANSWERED) :].strip(f" \t\r\n{_MARKS}"):
            self.answers = False
        return ""
