"""What people say around a question: greetings, excuses, thanks, how they came to ask. No passage says it, so it would count
against an answer: of English questions with such remarks .21 were refused wrongly, of Korean ones .09.
"""

import re
from typing import Final

from protostar.knowledge.tokens import is_pair, terms
from protostar.retrieval.extracts import sentences

_ENGLISH: Final = r"""
      (?:hi|hiya|hello|hey|greetings|good\ (?:morning|afternoon|evening))
        (?:\ (?:there|all|again|everyone|everybody|guys|folks|team|support))*
    | dear\ (?:sirs?|madam|sir\ or\ madam|team|support) | to\ whom\ it\ may\ concern
    | (?:many\ thanks|thanks|thank\ (?:you|u)|thankyou|thx|tysm|cheers|(?:much\ )?appreciated|much\ obliged)
        (?:\ (?:so|very)\ much|\ a\ (?:lot|bunch|million)|\ in\ advance|\ again
            |\ for\ (?:your|the|any|all)(?:\ \w+)?\ (?:help|time|reply|answer))*
    | please | pls | plz | kindly | asap | in\ advance | no\ rush | lol | haha | um+ | uh+ | ugh
    | (?:could|can|would|will)\ (?:you|u|someone|somebody|anyone|anybody)(?:\ (?:please|pls|kindly|possibly|maybe))?
        \ (?:tell|help|let|show|inform|advise|explain\ to)(?:\ (?:me|us))(?:\ (?:know|understand|out))?
    | (?:i\ was|i\ am|i['’]?m|just)(?:\ just)?\ (?:wondering|curious)(?:\ (?:if|whether))?
    | i(?:\ would|['’]d)?\ (?:like|love|want|need|wanted)\ to\ (?:know|ask|find\ out)
    | (?:do|does|would)\ (?:you|u|anyone|anybody|someone)(?:\ happen\ to)?\ know
    | (?:(?:i\ (?:have|had|got)|i['’]ve\ got|probably|maybe|just)\ )?(?:an?|one)?\ ?
        (?:quick|small|short|little|simple|silly|stupid|dumb)\ question
    | i\ (?:have|had|got)\ (?:a|one)\ question | (?:one|a)\ (?:more|last)\ (?:thing|question) | may\ i\ ask
    | (?:so\ |very\ )?sorry(?:\ to\ (?:bother|disturb|trouble)(?:\ you)?|\ for\ (?:the|any)\ \w+)?(?:,?\ but)?
    | excuse\ me | pardon\ me
    | any\ (?:help|ideas?|advice|pointers)(?:\ (?:would\ be|is|are))?
        (?:\ (?:much|greatly|highly|really))?(?:\ (?:appreciated|welcome))?
    | help\ me(?:\ out)?(?:\ with\ this)?
    | (?:(?:best|kind|warm)\ )?regards | (?:yours\ )?sincerely
    | (?:i['’]?m\ )?looking\ forward\ to\ (?:your|an?|hearing)(?:\ (?:reply|answer|response|from\ you))?
    | have\ a\ (?:nice|good|great|lovely)\ (?:day|one|evening|weekend)
"""
_KOREAN: Final = r"""
      안녕(?:하세[요용여]|하십니까|하신가요|히계세요) | 반갑습니다 | 여보세요 | 저기요? | 있잖아요 | 혹시나?
    | 다름이?\ ?아니[라고구]\w{0,2} | (?:근데|그런데)요?
    | (?:간단한\ )?(?:문의|질문)(?:\ ?(?:좀|하나|하나만|이|점|사항))*\ ?
        (?:드립니다|드려[요용여]|드릴[게께]요|드리고\ 싶\w{1,4}|드리려\w{1,4}|합니다|할[게께]요|남깁니다|남겨[요용]
            |있습니다|있어[요서]요?|있는데요?|인데요?|이?요)
    | (?:하나\ ?만?\ )?여[쭤쭙쭈]\w{1,6}(?:\ 싶\w{1,4})?
    | (?:정말\ |너무\ )?(?:죄송|미안)\w{1,6} | 실례\ ?(?:지만|합니다만?|하겠습니다)
    | 번거로우시\w{1,4} | 바쁘[신시]\w{0,3}(?:\ (?:와중에|중에))?
    | (?:미리\ |항상\ |늘\ |정말\ |너무\ )?(?:감사|고맙)(?:합니다|드립니다|드려[요용]|해[요용]|습니다|하겠습니다|겠습니다)
    | 고마워요? | 땡큐
    | (?:수고|고생)(?:가|이)?\ ?(?:하세[요용]|하십니다|하십시오|하셨습니다|많\w{2,5}|하시네요)
    | (?:빠른\ |빨리\ |꼭\ |좀\ |자세한\ |친절한\ ){0,3}(?:답변|답장|회신|답|확인|도움|안내|설명)(?:을|를)?\ ?(?:좀\ )?
        (?:부탁|기다|주시|주세|주실)\w{1,8}
    | 부탁\ ?(?:드|합|해)\w{1,4} | 도와\ ?주세요 | 아시는\ 분 | 제발
    | 급해서요?(?:\ 그런데요?)? | 급합니다 | 급해요 | 잘\ ?몰라서요? | 처음이라서?요?
    | [ㄱ-ㅎㅏ-ㅣ]{2,}
"""
_TEARS_AND_LAUGHTER: Final = re.compile("[ㅠㅜㅎㅋ]+(?![가-힣])")
SAID: Final = re.compile(rf"(?<![\w'’-])(?:{_ENGLISH}|{_KOREAN})(?![\w'’-])", re.IGNORECASE | re.VERBOSE)

PAUSE: Final = re.compile(r"(?<=[~;^ㅠㅜㅎㅋ])\s+|\n+")  # where a sentence of a chat ends without a stop
# Of themselves people speak in remarks; what a question is about is told without.
_PERSONAL: Final = re.compile(
    r"\b(?:i|me|my|mine|we|us|our|you|u|your)\b"
    r"|(?:[요용여]|[ㅠㅜㅎㅋ^;]+)\W*$|(?<![가-힣])(?:저|제|저희|제가|전|나|내|내가|우리)(?![가-힣])",
    re.IGNORECASE,
)
_FEW_PAIRS, _FEW_WORDS = 5, 4  # a question of fewer terms may be about what was told before


def without(text: str) -> str:
    """The text without phrases of courtesy; the text itself where nothing else is in it."""
    plain = SAID.sub(" ", _TEARS_AND_LAUGHTER.sub(" ", text))
    return plain if terms(plain) else text


def asks(sentence: str) -> bool:
    """Whether it ends in a question mark."""
    for character in reversed(sentence):
        if character in "?？":
            return True
        if character.isalnum():
            break
    return False


def question_alone(text: str) -> str | None:
    """The text without the remarks beside its question; None where it has none, or the question leans on them."""
    parts = PAUSE.split(text)
    said = [part[start:end] for part in parts for start, end in sentences(part)]
    kept = [sentence for sentence in said if not _is_remark(sentence)]
    alone = without(" ".join(kept))
    if len(kept) == len(said) or not any(map(asks, kept)) or _says_little(alone):
        return None
    return alone


def _is_remark(sentence: str) -> bool:
    return not asks(sentence) and (_PERSONAL.search(sentence) is not None or _says_little(sentence))


def _says_little(text: str) -> bool:
    said = set(terms(text))
    return len(said) < (_FEW_PAIRS if any(map(is_pair, said)) else _FEW_WORDS)
