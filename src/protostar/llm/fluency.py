"""Which languages an embedding model understands: it is examined once, before the first vectors of it are stored.

Each of sixteen questions in a language has to find its passage among the sixteen, with no word in common. Once a visitor
asks it is too late to tell: the cosines of a model that knows nothing of the language look like those of one that does.
all-MiniLM-L6-v2, a model for English, finds 15 passages in English and one in Korean, where its best cosines stand out as far.
"""
# ruff: noqa: ASYNC109 - as in `base`

import math
from collections.abc import Mapping, Sequence
from operator import mul
from typing import Final

from protostar.llm.base import EmbeddingModel, InputType
from protostar.llm.prompts import Language, language_of

Fluency = Mapping[Language, float]
"""The share of the questions in each language that find their passages, 0 to 1. Chance finds one in sixteen."""

_ENOUGH: Final = 0.5
_LATIN: Final = "\u024f"  # the last of its letters, but for a few

EXAMINATION: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "How do I get my money back?": "Refunds are paid within five working days of the return.",
        "May my dog come along?": "Pets are welcome in all rooms on the ground floor.",
        "When does the shop open?": "Business hours are nine to six on weekdays.",
        "Who may leave a car here?": "Parking is reserved for employees with a badge.",
        "I forgot my password.": "To reset your login, follow the link that we send by e-mail.",
        "How warm should it be?": "The thermostat is set to twenty degrees in winter.",
        "What do I do when I am ill?": "Sick leave must be reported to the manager before work begins.",
        "Is breakfast included?": "The morning meal costs twelve euros a person.",
        "How often is the data saved?": "Backups run every night and are kept for a month.",
        "How heavy can my suitcase be?": "Each passenger may check in luggage of up to 23 kilograms.",
        "Which injection does a baby get first?": "Newborns are vaccinated against hepatitis B.",
        "Where does the train leave?": "The express departs from platform four.",
        "How do plants feed themselves?": "Photosynthesis turns light, water and carbon dioxide into sugar.",
        "Who painted it?": "The canvas is the work of an unknown Dutch artist.",
        "What happens if I pay late?": "Overdue invoices bear interest of one per cent a month.",
        "How do I end my subscription?": "Membership can be cancelled at the close of any month.",
    },
    "ko": {
        "돈을 돌려받으려면 어떻게 하나요?": "환불은 반품 후 영업일 기준 닷새 안에 처리됩니다.",
        "강아지를 데려가도 되나요?": "반려동물은 일층 객실에만 함께 들어올 수 있습니다.",
        "가게는 몇 시에 여나요?": "영업시간은 평일 오전 아홉 시부터입니다.",
        "차는 어디에 세우나요?": "주차장은 지하 이층에 마련되어 있습니다.",
        "비밀번호를 잊어버렸어요.": "로그인 정보는 전자우편으로 받은 링크에서 다시 설정합니다.",
        "방은 얼마나 따뜻해야 하나요?": "겨울철 실내 온도는 이십 도로 유지합니다.",
        "몸이 아프면 어떻게 하나요?": "병가는 출근 전에 팀장에게 신청합니다.",
        "아침밥이 나오나요?": "조식은 숙박 요금에 포함되지 않습니다.",
        "자료를 얼마나 자주 저장하나요?": "백업은 매일 밤 실행됩니다.",
        "짐은 얼마나 무거워도 되나요?": "위탁 수하물은 한 사람에 이십삼 킬로그램까지 받습니다.",
        "아기가 처음 맞는 주사는 무엇인가요?": "신생아는 간염 예방 접종을 합니다.",
        "열차는 어디에서 타나요?": "급행은 사번 승강장에서 출발합니다.",
        "식물은 양분을 어떻게 얻나요?": "광합성은 빛과 물과 이산화탄소로 당을 만드는 과정이다.",
        "누가 그린 그림인가요?": "이 작품의 화가는 알려져 있지 않다.",
        "제때 내지 못하면 어떻게 되나요?": "연체된 요금에는 매월 이자가 붙습니다.",
        "구독을 그만두고 싶어요.": "멤버십은 언제든지 해지할 수 있습니다.",
    },
}


def understands(fluency: Fluency, text: str) -> bool:
    """Whether the model knows what language the text is in; of a script that is neither's, whether it knows both languages."""
    known, language = languages(fluency), language_of(text)
    of_neither = language == "en" and any(character.isalpha() and character > _LATIN for character in text)
    return len(known) == len(fluency) if of_neither else language in known


def languages(fluency: Fluency) -> list[Language]:
    """Those that the model understands."""
    return [language for language, share in fluency.items() if share >= _ENOUGH]


async def examine(model: EmbeddingModel, *, batch_size: int, timeout: float) -> Fluency:
    """`timeout`: seconds for a batch. Raises ModelUnavailable and ModelRejected."""

    async def embed(texts: Sequence[str], input_type: InputType) -> list[list[float]]:
        found: list[list[float]] = []
        for start in range(0, len(texts), batch_size):
            found += await model.embed(texts[start : start + batch_size], input_type=input_type, timeout=timeout)
        return found

    questions = [question for pairs in EXAMINATION.values() for question in pairs]
    passages = [passage for pairs in EXAMINATION.values() for passage in pairs.values()]
    asked, held = await embed(questions, "query"), await embed(passages, "document")
    fluency: dict[Language, float] = {}
    start = 0
    for language, pairs in EXAMINATION.items():
        part = slice(start, start := start + len(pairs))
        fluency[language] = _share_found(asked[part], held[part])
    return fluency


def _share_found(questions: Sequence[Sequence[float]], passages: Sequence[Sequence[float]]) -> float:
    lengths = [math.hypot(*passage) or 1.0 for passage in passages]

    def nearest(question: Sequence[float]) -> int:
        cosines = [sum(map(mul, question, passage)) / length for passage, length in zip(passages, lengths, strict=True)]
        return cosines.index(max(cosines))

    return sum(nearest(question) == place for place, question in enumerate(questions)) / len(questions)
