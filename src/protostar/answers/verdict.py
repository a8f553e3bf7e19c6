"""A model's own word on whether the passages answer, for questions where the rule of `retrieval.relevance` is not sure.

The prompt asks for a line that says only that, before anything else (`llm.prompts`). A model that does not keep to it has not said
that they do: «Found nothing on this [1]» is no such line.
"""

from typing import Final

from protostar.llm.prompts import ANSWERED

_AROUND: Final = " \t\r*_`\"'#.:!"


class Verdict:
    """Takes the pieces of a model's text, and gives what follows the verdict. `answers`: what it was; None until it is known."""

    def __init__(self) -> None:
        self.answers: bool | None = None
        self._begun = ""

    def feed(self, piece: str) -> str:
        if self.answers is not None:
            return piece if self.answers else ""
        self._begun += piece
        line, ends, rest = self._begun.lstrip().partition("\n")
        word, rest = line.strip(_AROUND), rest.lstrip()
        if not ANSWERED.startswith(word) or (ends and word != ANSWERED):
            self.answers = False
        elif rest:
            self.answers = True
            return rest
        return ""
