from collections.abc import Sequence

import pytest

from protostar.knowledge.tokens import terms
from protostar.llm.base import InputType
from protostar.llm.fake import FakeEmbeddingModel, hashed
from protostar.llm.fluency import EXAMINATION, examine, understands


class Hashes(FakeEmbeddingModel):
    """Finds texts that share words or letters, and knows no language."""

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        assert len(texts) <= 10
        self.embedded.update(texts)
        return [hashed(text, self.dimensions) for text in texts]


class Foreign(Hashes):
    """Knows English; for Korean it has one vector, as long as no other."""

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        vectors = await FakeEmbeddingModel.embed(self, texts, input_type=input_type, timeout=timeout)
        return [vector if text.isascii() else [7.0] * self.dimensions for text, vector in zip(texts, vectors, strict=True)]


@pytest.mark.parametrize("language", EXAMINATION)
def test_no_question_shares_a_word_with_its_passage(language: str) -> None:
    pairs = EXAMINATION[language]
    assert len(pairs) == len(set(pairs.values())) == 16
    assert not [question for question, passage in pairs.items() if set(terms(question)) & set(terms(passage))]


async def test_a_model_is_examined_in_each_language_by_itself() -> None:
    assert await examine(FakeEmbeddingModel(), batch_size=64, timeout=1) == {"en": 1.0, "ko": 1.0}
    assert await examine(Foreign(), batch_size=64, timeout=1) == {"en": 1.0, "ko": 1 / 16}


async def test_words_in_common_are_no_help_and_batches_have_their_size() -> None:
    model = Hashes()
    fluency = await examine(model, batch_size=10, timeout=1)
    assert max(fluency.values()) < 0.5
    assert set(model.embedded.values()) == {1}


@pytest.mark.parametrize(
    ("korean", "english", "text", "expected"),
    [
        (0.0, 0.9, "How long are backups kept?", True),
        (0.0, 0.9, "백업은 며칠 보관하나요?", False),
        (0.9, 0.0, "백업은 며칠 보관하나요?", True),
        (0.9, 0.0, "backup 보관 기간", True),
        (0.9, 0.0, "How long are backups kept?", False),
        (0.0, 0.9, "Über die Aufbewahrung", True),
        (0.0, 0.9, "バックアップの保存期間", False),
        (0.9, 0.9, "バックアップの保存期間", True),
        (0.5, 0.5, "Как долго?", True),
    ],
)
def test_what_a_model_understands(korean: float, english: float, text: str, expected: bool) -> None:
    assert understands({"ko": korean, "en": english}, text) is expected
