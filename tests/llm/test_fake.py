"""The models that need no server."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.errors import ModelUnavailable
from protostar.llm.base import Message
from protostar.llm.fake import FakeChatModel, FakeEmbeddingModel, hashed, quote, tokens


@given(st.text())
def test_tokens_are_the_text(text):
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize(
    ("contents", "answer"),
    [
        ([], ""),
        (["Just a text. And more."], "Just a text."),
        (["[1] One line only.\n[2] Another."], "The documents say this.\nOne line only. [1]\nAnother. [2]"),
        (["[7] title\n\nFirst part.\n\nSecond part."], "The documents say this.\nFirst part. [7]"),
        (["[1] a\nx.\n[2] b\ny.\n[3] c\nz.\n[4] d\nw."], "The documents say this.\nx. [1]\ny. [2]\nz. [3]"),
        (["[1] title\nText.", "질문입니다"], "문서에 따르면 다음과 같습니다.\nText. [1]"),
        (["see [1] in the text"], "see [1] in the text"),
    ],
)
def test_quotes_the_passages_of_a_prompt(contents, answer):
    assert quote(contents) == answer


async def test_follows_its_script_and_then_quotes(read):
    model = FakeChatModel(["one", ["two ", "three"], ["four ", ModelUnavailable("gone")], ModelUnavailable("away")])
    question = [Message("user", "Why?")]
    assert [(await read(model, question))[0] for _ in range(2)] == ["one", "two three"]
    for words in ("gone", "away"):
        with pytest.raises(ModelUnavailable, match=words):
            await read(model, question)
    assert (await read(model, question))[0] == "Why?"
    assert model.calls == [question] * 5


async def test_counts_what_it_embeds(embed):
    model = FakeEmbeddingModel(8, failures=[ModelUnavailable("away")])
    with pytest.raises(ModelUnavailable, match="away"):
        await embed(model, ["a"])
    await embed(model, ["a", "b", "a"])
    assert model.embedded == {"a": 2, "b": 1}


@given(st.text(), st.integers(1, 300))
def test_a_hashed_vector_has_length_one(text, dimensions):
    vector = hashed(text, dimensions)
    assert len(vector) == dimensions
    assert math.isclose(math.hypot(*vector), 1.0) or not any(vector)


def test_a_hash_is_the_same_in_every_process():
    assert [round(value, 4) for value in hashed("안녕 hello", 6)] == [-0.2887, -0.2887, 0.5774, -0.2887, -0.5774, -0.2887]
