"""What a question asks for, as far as its words say so: how much or when, how something is done, what belongs to something."""

import re
from dataclasses import dataclass
from typing import Final

_A_NUMBER: Final = re.compile(
    r"몇|며칠|얼마|언제|날짜|연도|까지|기간|가격|비용|요금|\bwhen\b|\buntil\b|\bprices?\b|\bcosts?\b|\bfees?\b|\bcharges?\b"
    r"|\bhow (?:many|much|long|old|far|often|late|early|soon)\b|\b(?:what|which) (?:year|date|days?|time|share|number|age)\b",
    re.IGNORECASE,
)
_STEPS: Final = re.compile(r"어떻게|방법|절차|순서|\bhow (?:do|can|should|would|to|does)\b|\bsteps\b", re.IGNORECASE)
_A_LIST: Final = re.compile(
    r"뭐뭐|뭐가|뭘|뭐 (?:가져|챙겨|있|필요|들)|무엇[이을]|어떤|종류|준비물|챙겨|가져가|목록|\bwhich\b"
    r"|\bwhat (?:things|documents|papers|kinds?|sorts?|types?|methods?|ways|extras?|all|are)\b"
    r"|\bwhat (?:do|must|should) (?:i|we) (?:need|bring)\b|\bwhat(?:'s|’s| is) (?:included|in)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class AnswerType:
    number: bool
    steps: bool
    list: bool

    @staticmethod
    def of(question: str) -> "AnswerType":
        return AnswerType(*(asks.search(question) is not None for asks in (_A_NUMBER, _STEPS, _A_LIST)))
