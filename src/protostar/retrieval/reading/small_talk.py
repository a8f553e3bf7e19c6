"""What is said that asks nothing of the documents: a greeting, thanks, or who is answering.

A refusal would be no reply to it, and what is found for its common words even less: «뭘 물어볼 수 있나요?» found a dentist's
«거즈를 물어 주세요».
"""

import re
import unicodedata
from typing import Final

from protostar.llm.prompts import SmallTalk
from protostar.retrieval.reading.courtesy import asks

_HELLO: Final = r"""
      (?:hi|hiya|hello|hey|greetings|good\ (?:morning|afternoon|evening))
        (?:\ (?:there|all|again|everyone|everybody|guys|folks|team|support))*
    | how\ (?:are\ (?:you|u|things)|is\ it\ going|do\ you\ do)(?:\ (?:today|doing))? | what['’]?s\ up | howdy
    | i\ have\ (?:a|one)(?:\ quick)?\ question | (?:can|may|could)\ i\ ask\ (?:you\ )?(?:something|a\ question)
    | 안녕(?:하세[요용여]|하십니까|하신가요)? | 반갑습니다 | 반가워요? | 여보세요 | 하이 | 헬로 | ㅎㅇ
    | 잘\ 지내(?:세요|시나요|시죠|셨어요)
    | (?:질문|문의)(?:이|사항이?)?\ ?(?:좀\ |하나\ )?(?:있습니다|있어요|있는데요|드립니다|드려요|할[게께]요)
"""
# None that may be a question of one word: «fine» in a library, «감사» in a handbook.
_ASSENT: Final = r"""
      (?:(?:oh|ah),?\ )?(?:ok|okay|okey|yes|yeah|yep|no|nope|alright|all\ right|good|great|perfect|awesome|nice|excellent|wonderful
        |got\ it|i\ see|understood|makes\ sense|that\ (?:helps|helped|is\ (?:all|great|it))|that['’]s\ (?:all|great|it|helpful))
    | (?:good)?\ ?bye(?:\ bye)? | see\ (?:you|ya)(?:\ later)? | good\ night | take\ care
    | have\ a\ (?:nice|good|great|lovely)\ (?:day|one|evening|weekend) | (?:(?:best|kind|warm)\ )?regards
    | (?:(?:아|오|와|음)\ ?)?(?:네|넵|넹|예|응){1,4}~*
    | 아하 | 아니[요오] | 아뇨 | 괜찮(?:습니다|아요) | 됐(?:습니다|어요) | (?:ㅇㅋ|ㅇㅇ)+
    | (?:잘\ )?(?:알겠|알았|이해했|이해됐)(?:습니다|어요) | 그렇군요 | 그렇구나 | (?:오\ )?좋(?:습니다|아요|네요)
    | 오케이 | 완벽(?:해요|합니다|하네요) | (?:많은\ |큰\ )?도움(?:이)?\ ?(?:많이\ )?(?:됐|되었)(?:어요|습니다|네요)
    | 안녕히\ ?(?:계세요|가세요) | 다음에\ (?:봐요|뵐게요) | 들어가세요
"""
_GRATITUDE: Final = r"""
      (?:many\ )?(?:thanks|thank\ ?(?:you|u|ya)|thx|tysm|cheers|appreciated)
        (?:\ (?:so|very)\ much|\ a\ (?:lot|bunch|million)|\ again|\ for\ (?:your|the|all\ the)\ (?:help|time|reply|answer))*
    | 땡큐 | (?:ㄱㅅ|ㄳ)+ | (?:정말\ |너무\ |대단히\ )?(?:감사|고맙)(?:합니다|드립니다|드려[요용]|해[요용]|했습니다|습니다|네요)
    | (?:정말\ |너무\ )?고마(?:워요?|웠어요) | (?:수고|고생)(?:가|이)?\ ?(?:하세[요용]|하십시오|하셨\w{2,4}|많으\w{2,4})
"""
_FILLER: Final = r"and | so | but | well | 선생님 | 사장님 | 담당자님 | 관리자님 | 여러분 | ㅋ+ | ㅎ+ | ㅠ+ | ㅜ+"
_BOT: Final = r"(?:bot|chat\ ?bot|robot|human|person|machine|ai|chatgpt|real)(?:\ person)?"
_ASK: Final = (
    r"(?:물어\ ?볼|물어봐도|질문할|도와\ ?줄|도와주실|해\ ?줄|대답할|답할|알려\ ?줄)\ ?(?:수\ ?)?(?:있\w{1,4}|돼요?|되나요|되죠)"
)
_WHAT: Final = r"(?:무엇을|무얼|뭘|뭐를?|어떤\ (?:걸|것을|것들?을|질문을))"
# Nothing that may be asked about what was said before: «누구예요?», «뭘 할 수 있나요?».
_ABOUT: Final = re.compile(
    rf"""(?:(?:so|and|but)\ )?(?:
      who\ (?:are|r)\ (?:you|u) | what\ (?:are|r)\ (?:you|u) | who\ am\ i\ (?:talking|speaking|chatting)\ (?:to|with)
    | (?:are|r)\ (?:you|u)\ (?:an?\ |the\ )?(?:real\ )?{_BOT}
    | what\ (?:can|do|could)\ (?:you|u)\ (?:do|know|help(?:\ me)?(?:\ with)?|answer)(?:\ for\ me)?
    | what\ can\ i\ ask(?:\ you)?(?:\ about)? | what\ ?(?:is|s)\ your\ name | how\ (?:can|could)\ you\ help(?:\ me)?
    | what\ is\ this\ (?:chat|bot) | how\ does\ this\ (?:chat\ |bot\ )?work
    | 누구(?:세요|십니까|신가요|시죠|야|냐|니)
    | (?:너는?|넌|당신은)\ ?(?:누구|뭐|무엇)(?:세요|야|냐|니|예요|에요|입니까|십니까|신가요|인가요|죠)
    | (?:너의?\ |네\ |넌\ |당신\ )?이름이\ ?(?:뭐|무엇)\w{{1,4}}
    | (?:지금\ )?(?:사람|챗봇|로봇|봇|인공지능|기계|AI)(?:이|이신)?\ ?(?:세요|야|에요|예요|신가요|인가요|입니까|가요)
    | (?:여기서?\ |너는?\ |넌\ )?{_WHAT}\ ?{_ASK} | (?:여기서\ |너는?\ |넌\ ){_WHAT}\ ?할\ ?수\ ?있\w{{1,4}}
    | (?:뭐|무엇을|뭘)\ ?하는\ ?(?:챗봇|봇)(?:이|인)?\w{{0,4}}
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def _phrases(*kinds: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’-])(?:{'|'.join(kinds)})(?![\w'’-])", re.IGNORECASE | re.VERBOSE)


_HELLOS: Final = _phrases(_HELLO)
_THANKS: Final = _phrases(_GRATITUDE, _ASSENT)
_FILLERS: Final = _phrases(_FILLER)
_STOPS: Final = re.compile(r"[\W_]+")
_LONGEST: Final = 200  # characters: it is looked at several times for each message
_CHEERS: Final = frozenset("👍👌👏🙏🙂😊😀😄😁🥰😍🤗🎉💯❤💕👋🙇")


def small_talk(text: str) -> SmallTalk | None:
    """What somebody says who asks nothing of the documents; None where there is anything else in it, or it may be a question."""
    if len(text) > _LONGEST:
        return None
    text = unicodedata.normalize("NFC", text)
    rest, hellos = _HELLOS.subn(" ", text)
    if _ABOUT.fullmatch(_STOPS.sub(" ", rest).strip()):
        return "about"
    rest, thanks = _THANKS.subn(" ", rest)
    if _STOPS.sub("", _FILLERS.sub(" ", rest)):
        return None
    if thanks and not asks(text):
        return "thanks"
    if hellos:
        return "greeting"
    return "thanks" if not asks(text) and any(each in _CHEERS for each in text) else None
