"""What Korean words end in, and the words that only ask or only hold a sentence together."""

import re

# Particles and endings leave the words that they close, the longest that fits; two syllables always stay.
_CASES = """
    에게서 에게 에서 에 으로부터 으로서 으로써 으로 로부터 로서 로써 로 께서 한테 까지 부터 마다 조차 밖에 처럼 보다 하고
    이라고 이라는 이라도 이란 이며 이고 이나 이면 라고 라는
"""
_PARTICLES = "은 는 이 가 을 를 의 와 과 은요 는요"
_COPULA = """
    인가 인가요 인지 인데 인데요 이라면 입니다 입니까 이다 이었다 이었던 이었나요 이었습니다 였다
    였던 였나요 였습니다 이에요 이예요 예요 에요
"""
_DO = """
    하는지 하는가 하나요 하세요 하려면 하려고 하면서 하였다 하지만 하거나 하도록 하고자 하기 하고 하는 하며 하면 하여
    하지 하게 하던 하다 하신 하실 하죠 한다 한다면 할까요 할지 합니다 합니까 해서 해야 해요 해줘 해도 했다 했던 했나요
    했는지 했는가 했으며 했고 했습니다 했지만 되는지 되는가 되나요 되었다 되었던 되었나요 되었습니다 되려면 되도록 되어
    되고 되는 되며 되면 되지 되기 되던 되다 된다 된다면 될까요 됩니다 됩니까 됐다 됐던 됐나요 됐습니다 돼요
"""
_ENDINGS_OF_VERBS = """
    나요 까요 는지 을지 습니까 습니다 니까 니다 는데 는데요 은데 은데요 데요 세요 어요 아요 지만 다면 라면 려면 려고 고자 도록 면서
"""
_ENDINGS = frozenset(
    [
        *_PARTICLES.split(),
        *(case + particle for case in _CASES.split() for particle in ("", "는", "도", "만", "의")),
        *_COPULA.split(),
        *_DO.split(),
        *(before + ending for before in ("", "으", "시", "으시") for ending in _ENDINGS_OF_VERBS.split()),
    ]
)
_LONGEST_ENDING = max(map(len, _ENDINGS))

# «할 수도 있다»: else its noun would be the capital and the water main. It follows a syllable that ends in ㄹ.
_ENDS_IN_L = "".join(chr(syllable) for syllable in range(ord("갈"), ord("힣"), 28))
MAY = re.compile(f" 수(?<=[{_ENDS_IN_L}] 수)(?:도|가|는|밖에|조차) ?(?=[있없])")
"""The words between a verb and «있다» or «없다» that say whether something may be."""

_STOP_WORDS = """
    가 것 것은 것을 것이 경우 경우에 관련 관련된 관하여 관한 관해 그 그것 그리고 누가 는 대하여 대한 대해 대해서
    되고 되나요 되는 되면 되어 되었다 되죠 된 된다 될 될까요 됐다 됩니까 됩니다 등 등을 등의 따라 따른 때 또는 를
    말해줘 및 설명하시오 설명해 설명해줘 수 왜 왜요 위하여 위한 위해 위해서 은 을 의 이 이다 인가 인가요 인지
    입니까 입니다 저 저는 제가 좋나요 좋을까요 주세요 줘 줘요 통한 통해 하고 하나요 하는 하려면 하면 하며 하여
    하죠 하지 한 한다 할 할까요 합니까 합니다 해 해서 해야 했나요 했다 했던 이것 이것은 이것이 이거 이건 이게 그거 그건 그게
"""
# Every form of the words that ask, and of the auxiliaries 있다, 없다, 싶다 and 않다; to look at a word's first syllable is faster.
_STOP_FIRST = frozenset("무어언누얼몇뭐뭔뭘있없싶않궁알가부")
_STOP_FORM = re.compile(
    "(?:무엇|무슨|무언|어떤|어떻|어떠|어떨|어디|어느|언제|누구|누군|얼마|몇|뭐|뭔|뭘|"
    "있|없(?![애앤앨])|싶|않|궁금|알려|알고(?!리)|가르쳐|부탁드|부탁해)([가-힣]*)$"
)
_STOP = frozenset(_STOP_WORDS.split())


def is_stop(word: str) -> bool:
    """Whether it only asks or only holds a sentence together."""
    return stop_tail(word) is not None


def stop_tail(word: str) -> str | None:
    """What follows the stem of a word that only asks or holds together: «나요» of «있나요»; None for any other word."""
    if word in _STOP:
        return ""
    form = _STOP_FORM.match(word) if word[0] in _STOP_FIRST else None
    return form[1] if form else None


def ending(word: str) -> int:
    """How many syllables of the word are its particle or ending."""
    return next((length for length in range(min(len(word) - 2, _LONGEST_ENDING), 0, -1) if word[-length:] in _ENDINGS), 0)


def is_ending(word: str) -> bool:
    """Whether it is nothing but a particle or ending."""
    return word in _ENDINGS
