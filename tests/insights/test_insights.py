"""Figures and the report over HTTP, on a space whose answers lie on known days."""

import zoneinfo
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.api.tenant import Tenant, new_tenant
from tests.support.stack import Stack

from protostar.answers.models import AnswerRow, ConversationRow, CorrectionRow
from protostar.db.session import Database
from protostar.ids import first_id, new_id

# 2026-03-02 00:30 in Seoul is still the first of March in London.
LATE = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answers:
    database: Database
    space_id: UUID

    async def add(self, question: str, at: datetime, *, correction: str = "", **more: Any) -> AnswerRow:
        id_ = UUID(int=first_id(at).int | (new_id().int & ((1 << 80) - 1)))
        conversation = ConversationRow(id=id_, space_id=self.space_id, created_at=at)
        values = {"state": "done", "found": True, "first_token_ms": 200, **more}
        row = AnswerRow(id=id_, space_id=self.space_id, conversation_id=id_, question=question, created_at=at, **values)
        async with self.database.transaction() as session:
            session.add(conversation)
            await session.flush()
            session.add(row)
            await session.flush()
            if correction:
                session.add(CorrectionRow(answer_id=id_, space_id=self.space_id, sense=new_id(), text=correction))
        return row


@pytest.fixture(scope="module")
async def tenant(stack: Stack) -> AsyncGenerator[Tenant]:
    async with new_tenant(stack) as tenant:
        await tenant.document("parking.md", "# 주차장\n\n주차장은 정문 옆에 있습니다.")
        assert stack.settings.database_url is not None
        database = Database(stack.settings.database_url.get_secret_value())
        answers = Answers(database, UUID(tenant.id))
        for number in range(8):
            await answers.add("답이 있는 질문", LATE, first_token_ms=100 * (number + 1))
        await answers.add("기계 없이 쓴 답", LATE, degraded=["no_chat_model"], cached=True)
        day = LATE + timedelta(days=2)
        await answers.add("주차장 요금은 얼마인가요?", day, found=False, first_token_ms=None)
        await answers.add("주차장 요금이 얼마예요?", day + timedelta(hours=1), found=False)
        await answers.add("=수식()", day, rating="down", rating_reason="틀렸습니다")
        await answers.add("고친 질문", day, found=False, correction="고친 답")
        await answers.add("고친 답을 받은 질문", day, corrected_by=new_id())
        await answers.add("깨진 질문", day, state="failed", found=None, first_token_ms=None)
        await answers.add("다른 달의 질문", LATE - timedelta(days=40), found=False)
        await answers.add("사모아의 29일", datetime(2011, 12, 30, 9, 30, tzinfo=UTC))
        await answers.add("사모아의 31일", datetime(2011, 12, 30, 10, 30, tzinfo=UTC))
        yield tenant
        await database.close()


MARCH = {"from": "2026-03-01", "to": "2026-03-04"}


async def test_each_day_of_the_range_is_counted_in_the_time_zone(tenant: Tenant) -> None:
    for zone, expected in (("UTC", [9, 0, 6, 0]), ("Asia/Seoul", [0, 9, 0, 6])):
        shown = await tenant.get("/v1/insights", params={**MARCH, "timezone": zone})
        assert [day["day"] for day in shown["days"]] == [f"2026-03-0{n}" for n in range(1, 5)]
        assert [day["questions"] for day in shown["days"]] == expected
        assert shown["total"]["questions"] == 15


@pytest.fixture
def newtown(tmp_path: Path) -> Iterator[str]:
    """A time zone that this machine has and PostgreSQL does not know: its list is older."""
    seoul = next(path for folder in zoneinfo.TZPATH if (path := Path(folder) / "Asia" / "Seoul").is_file())
    (tmp_path / "Asia").mkdir()
    (tmp_path / "Asia" / "Newtown").write_bytes(seoul.read_bytes())
    zoneinfo.reset_tzpath([tmp_path, *zoneinfo.TZPATH])
    yield "Asia/Newtown"
    zoneinfo.reset_tzpath()


async def test_a_machine_without_a_list_of_time_zones_has_them_all_the_same(tenant: Tenant) -> None:
    zoneinfo.reset_tzpath([])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        for zone, expected in (("UTC", [9, 0, 6, 0]), ("Asia/Seoul", [0, 9, 0, 6])):
            shown = await tenant.get("/v1/insights", params={**MARCH, "timezone": zone})
            assert [day["questions"] for day in shown["days"]] == expected
    finally:
        zoneinfo.reset_tzpath()


async def test_days_of_a_time_zone_that_postgresql_does_not_know(tenant: Tenant, newtown: str) -> None:
    shown = await tenant.get("/v1/insights", params={**MARCH, "timezone": newtown})
    assert [day["questions"] for day in shown["days"]] == [0, 9, 0, 6]


async def test_a_day_that_a_time_zone_left_out_is_empty(tenant: Tenant) -> None:
    """Samoa went from the 29th of December 2011 to the 31st."""
    range_ = {"from": "2011-12-29", "to": "2011-12-31", "timezone": "Pacific/Apia"}
    shown = await tenant.get("/v1/insights", params=range_)
    assert [(day["day"], day["questions"]) for day in shown["days"]] == [("2011-12-29", 1), ("2011-12-30", 0), ("2011-12-31", 1)]


async def test_what_became_of_the_questions(tenant: Tenant) -> None:
    shown = await tenant.get("/v1/insights", params=MARCH)
    first, third = shown["days"][0], shown["days"][2]
    parts = ("answered", "degraded", "not_found", "failed", "corrected", "disliked", "cached")
    assert [first[part] for part in parts] == [8, 1, 0, 0, 0, 0, 1]
    assert [third[part] for part in parts] == [2, 0, 3, 1, 2, 1, 0]
    assert [shown["total"][part] for part in parts] == [10, 1, 3, 1, 2, 1, 1]
    assert (first["first_token_p50"], first["first_token_p95"]) == (400, 760)
    assert shown["days"][1]["first_token_p50"] is None


async def test_a_range_is_checked(tenant: Tenant) -> None:
    usual = await tenant.get("/v1/insights")
    assert (len(usual["days"]), usual["days"][-1]["day"]) == (30, datetime.now(UTC).date().isoformat())
    for params in (
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2024-03-02", "to": "2026-03-01"},
        {"to": "9999-12-31"},
        {"from": "9999-12-20"},
        {"to": "0001-01-05"},
        {"from": "0001-01-01", "to": "0001-01-02", "timezone": "Asia/Seoul"},
        {"from": "March"},
    ):
        for path in ("/v1/insights", "/v1/insights/unanswered"):
            assert (await tenant.call("GET", path, params=params)).status == 422, (path, params)


async def test_the_report_names_what_is_asked_and_not_answered(tenant: Tenant) -> None:
    report = await tenant.get("/v1/insights/unanswered", params=MARCH)
    assert (report["looked_at"], report["more"]) == (3, False)
    parking, formula = report["items"]
    assert (parking["question"], parking["size"], parking["not_found"]) == ("주차장 요금이 얼마예요?", 2, 2)
    assert parking["examples"] == ["주차장 요금은 얼마인가요?"]
    assert [document["title"] for document in parking["documents"]] == ["주차장"]
    assert parking["last_asked"] == "2026-03-03T16:30:00Z"
    assert len(parking["conversations"]) == 2
    assert (formula["question"], formula["disliked"], formula["documents"]) == ("=수식()", 1, [])
    limited = await tenant.get("/v1/insights/unanswered", params={**MARCH, "limit": 1})
    assert (len(limited["items"]), limited["more"]) == (1, True)


async def test_the_report_comes_as_a_spreadsheet_too(tenant: Tenant) -> None:
    for options in ({"params": {**MARCH, "format": "csv"}}, {"params": MARCH, "headers": {"Accept": "text/csv"}}):
        answered = await tenant.call("GET", "/v1/insights/unanswered", **options)
        assert answered.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answered.headers["Content-Disposition"]
        assert answered.body.startswith("\ufeffquestion,times".encode())
        assert "\n'=수식(),1,0,1".encode() in answered.body.replace(b"\r", b"")
    json = await tenant.call("GET", "/v1/insights/unanswered", params={**MARCH, "format": "json"}, headers={"Accept": "text/csv"})
    assert json.json["looked_at"] == 3
