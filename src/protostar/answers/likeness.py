"""Whether two questions ask the same, so that the corrected answer of one is given to the other: the same or not, nothing between.

Alike are questions of the same terms (`knowledge.tokens`) with the same interrogatives, negation, modality and tense, whose words
have the same parts in the sentence. What only asks, inflects or is polite makes no difference.

A wrong answer is worse than one more look at the documents, so nothing is left to a threshold. Of 343 pairs of questions in Korean
and English (`tests/answers/paraphrases.txt`), this finds 105 of the 154 that mean the same and none of the 189 that only look so.
Shares of common terms do not tell them apart («무료 회원이 …» and «유료 회원이 …» have .8 in common), nor do vectors: by
multilingual-e5-small's cosine «… 최대 …» and «… 최소 …» are .996 alike; above .98 lie 124 of the 154 and 45 of the 189, above all
of them only six. Among 10,373 questions of six public sets it puts 15 pairs together, all of which mean the same.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final
from uuid import UUID

from protostar.knowledge.tokens import terms

_HANGUL = re.compile(r"[가-힣]")
_WORD = re.compile(r"\w+(?:[-./,:'’]\w+)*[+#]*")

# -- English

_DROPPED: Final = frozenset(
    ["a", "an", "the", "of", "my", "i", "we", "is", "are", "am", "be", "been", "being", "do", "does", "will", "would", "please"]
)
_ENGLISH: Final = {
    **{word: word for word in ("why", "when", "where", "how")},
    **dict.fromkeys(("what", "which", "tell"), "what"),
    **dict.fromkeys(("who", "whom", "whose"), "who"),
    **dict.fromkeys(("can", "could", "may", "might"), "can"),
    **dict.fromkeys(("must", "should", "shall"), "must"),
    **dict.fromkeys(("did", "was", "were"), "past"),
    **dict.fromkeys(("not", "no", "never"), "not"),
}
_ENGLISH_FORMS: Final = (
    (re.compile(r"\bcan(?:no|['’])t\b"), "can not"),
    (re.compile(r"\bwon['’]t\b"), "will not"),
    (re.compile(r"n['’]t\b"), " not"),
    (re.compile(r"['’]s\b"), ""),
    (re.compile(r"\b(?:has|have|needs?) to\b"), "must"),
    (re.compile(r"\bis it possible to\b"), "can"),
    (re.compile(r"\b(?:tell|let) me(?: know)?\b"), "tell"),
    (re.compile(r"\bhow to\b"), "how"),
    (re.compile(r"\bfor how long\b"), "how long"),
    (re.compile(r"(?<=[a-z])-(?=[a-z])"), " "),
    (re.compile(r" do$"), " act"),  # «what do they do» is not «what are they»
)

# -- Korean: the first that fits says what the word means for the sentence; what it leaves of the word is a term

_KOREAN: Final = (
    ("why", re.compile(r"^(?:왜|(?:이유|까닭)(?=$|[가는를은을도인])).*")),
    ("how", re.compile(r"^(?:어떻|어떡|방법(?=$|[이은을도])).*")),
    ("when", re.compile(r"^언제")),
    ("where", re.compile(r"^어디")),
    ("who", re.compile(r"^(?:누구|누가|누군)")),
    ("much", re.compile(r"^얼마.*")),
    ("much", re.compile(r"^(?=몇|며칠)")),
    ("what", re.compile(r"^(?:무엇|뭐|뭔|뭘).*|^(?:무슨|어떤|어느)")),
    ("not", re.compile(r"^불(?=가능)|^(?:없|안$|못|않|아니).*")),
    ("can", re.compile(r"^가능.*")),
    ("must", re.compile(r"(?:해야|어야|아야|여야)[가-힣]*$")),
    (
        "",
        re.compile(
            r"^(?:(?:알려|궁금|말해|설명해|알고|가르쳐).*|혹시|좀|알|때[는에]?|경우[는에]?|(?:있|싶|부탁)[가-힣]*|[하해되돼됩합주줘](?:나요?|는지요?|니까|요|면|려면|는|지|고|세요|도)?)$"
        ),
    ),
)
_KOREAN_FORMS: Final = (
    (re.compile(r"(?<=\d) (?=[가-힣])|(?<=몇) (?=[가-힣])"), ""),  # «10 개», «몇 시»
    (re.compile(r"하지(?: ?도)? ?(?=[않못])"), " "),
    (re.compile(r"(?:(?<=[가-힣]{2})할)? 수(?:는|도|가)? ?(?=[있없])"), " 가능 "),
)
_ENDING = re.compile(
    r"(?<=[가-힣])(?:인가요?|입니까|인지요?|이에요|예요|일까요|이죠)$|(?<=[가-힣]{2})(?:한가요?|한지요?|할까요|하는지?요?|되는지?요?)$"
)
_CASE = re.compile(
    r"(?<=.)(?:(?P<case>에게서|한테서|에서|에게|한테|으로|로|부터|까지|보다|만)(?:[는도의])?|(?<=..)(?P<part>[이가을를의])|[은는도에와과을를])$"
)
_CASES: Final = {"한테서": "에게서", "한테": "에게", "로": "으로"}
_PARTS: Final = {"이": "subject", "가": "subject", "을": "object", "를": "object", "의": "owner"}
_ASKS = re.compile(r"[는은인한]지(?: |$)|(?:나|까|가|지|요|죠|냐|니)요?$")
_TELL = re.compile(r" (?:알려|말해|설명해|가르쳐)")

_INTERROGATIVES: Final = frozenset(("why", "how", "when", "where", "who", "much", "what"))


@dataclass(frozen=True, slots=True)
class Word:
    """`case`: of Korean words where it tells places, ways and limits apart. `part`: subject, object or owner where it is marked."""

    terms: tuple[str, ...]
    case: str = ""
    part: str = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Sense:
    """What a question asks. `facts`: its interrogatives, negation, modality and tense."""

    korean: bool
    facts: frozenset[str]
    words: tuple[Word, ...]

    @property
    def key(self) -> UUID:
        """The same for all questions that may be alike."""
        parts = [str(self.korean), *sorted(self.facts), "", *sorted({term for word in self.words for term in word.terms})]
        return UUID(bytes=blake2b("\n".join(parts).encode(), digest_size=16).digest())


def sense(question: str) -> Sense:
    text = " ".join(unicodedata.normalize("NFKC", question).lower().split()).rstrip(" ?!.？。")
    korean = _HANGUL.search(text) is not None
    for pattern, replacement in _KOREAN_FORMS if korean else _ENGLISH_FORMS:
        text = pattern.sub(replacement, text)
    facts: set[str] = set()
    words = tuple((_korean if korean else _english)(_WORD.findall(text), facts))
    return Sense(korean, _settled(facts, asks=_asks(text, korean)), words)


def alike(one: Sense, other: Sense) -> bool:
    """Whether they ask the same."""
    if one.key != other.key:
        return False
    if not one.korean:
        return one.words == other.words  # English says by the order who does what
    return not _differ(one, other)


# -- reading a question


def _english(words: list[str], facts: set[str]) -> Iterator[Word]:
    for word in words:
        if (fact := _ENGLISH.get(word)) is not None:
            facts.add(fact)
        elif word not in _DROPPED:
            yield Word(tuple(terms(word)) or (word,))


def _korean(words: list[str], facts: set[str]) -> Iterator[Word]:
    for word in words:
        rest = _rest(word, facts)
        if any(_past(syllable) for syllable in rest):
            facts.add("past")
        stem = _ENDING.sub("", rest)
        found = _CASE.search(stem)
        case, part = (found["case"] or "", found["part"] or "") if found is not None else ("", "")
        stem = stem[: found.start()] if found is not None else stem
        if stem:
            yield Word(_terms(stem), _CASES.get(case, case), _PARTS.get(part, ""), found is None)


def _rest(word: str, facts: set[str]) -> str:
    """What remains of a word after what it says of the sentence."""
    for fact, pattern in _KOREAN:
        found = pattern.search(word)
        if found is None:
            continue
        rest = word[: found.start()] + word[found.end() :]
        if fact in ("when", "where", "who"):
            case = _CASE.search("_" + _ENDING.sub("", rest))
            facts.add(fact + (_CASES.get(case["case"], case["case"]) if case is not None and case["case"] else ""))
            return ""
        facts.add(fact)
        return rest
    return word


def _terms(stem: str) -> tuple[str, ...]:
    return tuple(terms(stem)) or (stem,)


def _asks(text: str, korean: bool) -> bool:
    """Whether a question without an interrogative asks for a yes or no; else it names what it wants to know."""
    return not korean or _ASKS.search(_TELL.split(text)[0].rstrip()) is not None


def _past(syllable: str) -> bool:
    """Whether it closes with ㅆ, as 했 and 렸 do; 있 and 겠 say something else."""
    return "가" <= syllable <= "힣" and (ord(syllable) - 0xAC00) % 28 == 20 and syllable not in "있겠"


def _settled(facts: set[str], *, asks: bool) -> frozenset[str]:
    """What remains to be told apart: «how can I» asks what «how do I» asks, «which way» what «how» does."""
    kinds = {fact for fact in facts if any(fact.startswith(kind) for kind in _INTERROGATIVES)}
    if not kinds:
        facts.add("whether" if asks else "what")
    if len(kinds) > 1:
        facts.discard("what")
    if kinds:
        facts.discard("must")
    if "how" in kinds:
        facts.discard("can")
    return frozenset(facts - {""})


# -- comparing two of the same terms


def _differ(one: Sense, other: Sense) -> bool:
    """Whether the same words do something else: «서울에서 부산으로», «부산에서 서울로»."""
    cases, parts = [_by_terms(each, "case") for each in (one, other)], [_by_terms(each, "part") for each in (one, other)]
    if cases[0] != cases[1]:
        return True
    order = [[word.terms for word in each.words] for each in (one, other)]
    if order[0] == order[1]:
        return False
    exchanged = any(parts[1][terms_] and not found & parts[1][terms_] for terms_, found in parts[0].items())
    return exchanged or bool(_neighbours(one) & {(second, first) for first, second in _neighbours(other)})


def _by_terms(sense_: Sense, what: str) -> dict[tuple[str, ...], set[str]]:
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for word in sense_.words:
        if mark := getattr(word, what):
            found[word.terms].add(mark)
    return found


def _neighbours(sense_: Sense) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Pairs of words of which nothing but their order says how they belong together."""
    return {(first.terms, second.terms) for first, second in pairwise(sense_.words) if first.bare}
