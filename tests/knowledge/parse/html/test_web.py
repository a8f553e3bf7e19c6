"""Whole pages as they are found on the web: a notice in tables, a page of an authority, a product in a shop, an encyclopedia."""

from pathlib import Path

import pytest
from tests.knowledge.parse.html.pages import parse
from tests.knowledge.parse.support import shown

WEB = Path(__file__).parent / "web"


@pytest.mark.parametrize("name", ["notice", "board", "shop", "wiki"])
def test_a_page_is_what_it_is_about(name: str) -> None:
    blocks = shown(parse((WEB / f"{name}.html").read_text(encoding="utf-8")))
    assert "\n\n".join(f"[{kind}] {text}" for kind, text in blocks) + "\n" == (WEB / f"{name}.txt").read_text(encoding="utf-8")
