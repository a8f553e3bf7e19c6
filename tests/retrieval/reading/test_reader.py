from collections.abc import Set

import pytest

from protostar.knowledge.tokens import CHUNKS, term_id, terms
from protostar.retrieval.reading.reader import Reading, read

KNOWN = {term_id(term): 10 for term in terms("환불 기간 요금 할인 export printer warranty")} | {CHUNKS: 100}


async def reading(question: str, known: dict[int, int] = KNOWN, looks: int = 1) -> Reading:
    looked: list[Set[int]] = []

    async def look(ids: Set[int]) -> dict[int, int]:
        looked.append(ids)
        return {id_: known[id_] for id_ in ids & known.keys()}

    result = await read(question, look)
    assert len(looked) == looks
    assert set(map(term_id, terms(result.words))) & known.keys() <= result.counts.keys()
    return result


@pytest.mark.parametrize("question", ["환불 기간은 며칠인가요?", "printer warranty", "2024", "", "···", "환불 ERP 요금"])
async def test_a_question_in_words_of_the_space_is_read_as_it_stands(question: str) -> None:
    result = await reading(question)
    assert (result.question, result.words, result.guessed) == (question, question, frozenset())


async def test_all_at_once() -> None:
    result = await reading("pritner요금할인은얼마나되나요", looks=2)
    assert result.words == "printer요금할인은 얼마나 되나요"
    assert result.guessed == {term_id("printer")}
    assert result.question == "pritner요금할인은얼마나되나요"


async def test_a_word_that_is_listed_is_not_misspelt() -> None:
    known = {term_id(term): 10 for term in terms("rental fire")} | {CHUNKS: 100}
    result = await reading("how do I hire it?", known, looks=2)
    assert (result.words, result.synonyms, result.guessed) == ("how do I rental it?", {term_id("rental")}, frozenset())
    assert (await reading("price", {**KNOWN, term_id("prize"): 9}, looks=2)).words == "price"  # nothing here says the same


async def test_the_keyboard_is_believed_to_be_set_wrong_where_the_space_knows_more_of_it() -> None:
    assert (await reading("ghksqnf rlrks")).question == "환불 기간"
    assert (await reading("theory", looks=2)).question == "theory"  # «소대교»
    assert (await reading("theory", {**KNOWN, term_id("theori"): 3})).question == "theory"


async def test_chance_hits_among_many_chunks_are_left_alone() -> None:
    assert (await reading("pritner", {**KNOWN, CHUNKS: 1_000_000}, looks=2)).words == "pritner"


async def test_long_pasted_texts_are_left_alone() -> None:
    text = "환불기간은얼마나되나요 pritner " * 30
    assert (await reading(text)).words == text
