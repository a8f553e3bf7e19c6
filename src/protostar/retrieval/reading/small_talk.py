"""What is said that asks nothing of the documents: a greeting, thanks, or who is answering.

A refusal would be no reply to it, and what is found for its common words even less: «뭘 물어볼 수 있나요?» found a dentist's
«거즈를 물어 주세요».
"""

import re
import unicodedata
from typing import Final

from protostar.llm.prompts import SmallTalk
from protostar.retrieval.reading.courtesy import SAID

_GREETING: Final = r"""
      how\ (?:are\ (?:you|u|things)|is\ it\ going|do\ you\ do)(?:\ (?:today|doing))? | what['’]?s\ up | yo | howdy
    | 안녕 | 하이 | 헬로 | 반가워요? | 잘\ 지내\w{1,4} | 선생님 | 사장님 | 담당자님 | 관리자님 | 여러분
"""
# None that may be a question of one word: «fine» in a library, «감사» in a handbook.
_ASSENT: Final = r"""
      ok | okay | okey | yes | yeah | yep | no | nope | alright | all\ right | good | great | perfect | awesome | nice
    | excellent | wonderful | oh | ah | got\ it | i\ see | understood | makes\ sense
    | that\ (?:helps|helped|is\ (?:all|great|it)) | that['’]s\ (?:all|great|it|helpful) | (?:good)?\ ?bye(?:\ bye)?
    | see\ (?:you|ya)(?:\ later)? | good\ night | take\ care
    | (?:아|오|와|네|넵|넹|예|응|음){1,4}~* | 아니[요오] | 아뇨 | 괜찮(?:습니다|아요) | 됐(?:습니다|어요) | (?:ㅇㅋ|ㅇㅇ)+
    | (?:잘\ )?(?:알겠|알았|이해했|이해됐)(?:습니다|어요) | 그렇군요 | 그렇구나 | 좋(?:습니다|아요|네요) | 오케이
    | 완벽(?:해요|합니다|하네요)? | (?:많은\ |큰\ )?도움(?:이)?\ ?(?:많이\ )?(?:됐|되었|됩)\w{1,4}
    | 안녕히\ ?(?:계세요|가세요) | 다음에\ (?:봐요|뵐게요) | 들어가세요
"""
_GRATITUDE: Final = r"""
      thanks | thank\ ?(?:you|u|ya) | thx | tysm | ty | cheers | appreciated | 땡큐 | (?:ㄱㅅ|ㄳ)+
    | (?:정말\ |너무\ |대단히\ )?(?:감사(?:합|드|해|했|하)|고맙|고마워)\w{0,5} | (?:수고|고생)(?:가|이)?\ ?(?:하|많)\w{1,5}
"""
_BOT: Final = r"(?:bot|chat\ ?bot|robot|human|person|machine|ai|chatgpt|real)(?:\ person)?"
_ASK: Final = (
    r"(?:물어\ ?볼|물어봐도|질문할|도와\ ?줄|도와주실|해\ ?줄|할|대답할|답할|알려\ ?줄)\ ?(?:수\ ?)?(?:있\w{1,4}|돼요?|되나요|되죠)"
)
_ABOUT: Final = re.compile(
    rf"""(?:(?:so|and|but)\ )?(?:
      who\ (?:are|r)\ (?:you|u) | what\ (?:are|r)\ (?:you|u) | who\ am\ i\ (?:talking|speaking|chatting)\ (?:to|with)
    | (?:are|r)\ (?:you|u)\ (?:an?\ |the\ )?(?:real\ )?{_BOT}
    | what\ (?:can|do|could)\ (?:you|u)\ (?:do|know|help(?:\ me)?(?:\ with)?|answer)(?:\ for\ me)?
    | what\ can\ i\ ask(?:\ you)?(?:\ about)? | what\ ?(?:is|s)\ your\ name | how\ (?:can|could)\ you\ help(?:\ me)?
    | what\ is\ this(?:\ (?:chat|bot|thing))? | how\ does\ this\ (?:chat\ |bot\ )?work
    | (?:너는?|넌|당신은)?\ ?(?:누구|뭐|무엇)(?:세요|야|냐|니|예요|에요|입니까|십니까|신가요|인가요|시죠)
    | (?:너의?\ |네\ |넌\ |당신\ )?이름이\ ?(?:뭐|무엇)\w{{1,4}}
    | (?:지금\ )?(?:사람|챗봇|로봇|봇|인공지능|기계|AI)(?:이|이신)?\ ?(?:세요|야|에요|예요|신가요|인가요|입니까|가요)
    | (?:여기서?\ |너는?\ |넌\ )?(?:무엇을|무얼|뭘|뭐를?|어떤\ (?:걸|것을|것들?을|질문을))\ ?{_ASK}
    | (?:뭐|무엇을|뭘)\ ?하는\ ?(?:곳|거|챗봇|봇|서비스)(?:이|인)?\w{{0,4}}
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def _phrases(*kinds: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w'’-])(?:{'|'.join(kinds)})(?![\w'’-])", re.IGNORECASE | re.VERBOSE)


_GREETS: Final = _phrases(_GREETING)
_THANKS: Final = _phrases(_GRATITUDE)
_ASSENTS: Final = _phrases(_ASSENT)
_STOPS: Final = re.compile(r"[\W_]+")


def small_talk(text: str) -> SmallTalk | None:
    """What somebody says who asks nothing of the documents; None where there is anything else in it."""
    text = unicodedata.normalize("NFC", text)
    thanks = _THANKS.search(text) is not None or any(unicodedata.category(each) == "So" for each in text)
    rest, phrases = text, 0
    for said in (SAID, _THANKS, _GREETS, _ASSENTS):
        rest, count = said.subn(" ", rest)
        thanks = thanks or (said is _ASSENTS and count > 0)
        phrases += count
    if not _STOPS.sub("", rest):
        return "thanks" if thanks else "greeting" if phrases else None
    return "about" if any(_ABOUT.fullmatch(_STOPS.sub(" ", each).strip()) for each in (text, rest)) else None
