"""Events on their way: a real stack, a real receiver, and what happens when it is away."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from tests.api.tenant import Tenant, new_tenant
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.webhooks.receiver import Arrival, Receiver, new_receiver

from protostar.db.session import Database
from protostar.errors import AddressRefused, WebhookUnavailable
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.model import Job
from protostar.jobs.repository import JobRepository
from protostar.jobs.service import Jobs
from protostar.outbound.addresses import refusal
from protostar.outbound.client import open_client
from protostar.webhooks.events import DELIVER, emit
from protostar.webhooks.models import WebhookRow
from protostar.webhooks.repository import WebhookRepository
from protostar.webhooks.schemas import Event
from protostar.webhooks.signing import make_secret
from protostar.webhooks.tasks import Deliveries


async def listen(tenant: Tenant, url: str, *events: str) -> Any:
    answered = await tenant.call("POST", "/v1/webhooks", json={"url": url, **({"events": events} if events else {})})
    assert answered.status == 201, answered.json
    return answered.json


async def deliveries(tenant: Tenant) -> list[Any]:
    """The jobs of a space's deliveries, oldest first."""
    return (await tenant.get("/v1/jobs", params={"kind": DELIVER, "limit": 200}))["items"][::-1]


async def settled(tenant: Tenant, count: int = 1) -> list[Any]:
    """The same, once there are `count` and each has ended or waits to be tried again."""

    async def ended() -> list[Any] | None:
        jobs = await deliveries(tenant)
        return jobs if len(jobs) == count and all(job["state"] != "running" and _tried(job) for job in jobs) else None

    return await wait_until(ended, 20, what=f"{count} deliveries settle")


def _tried(job: Any) -> bool:
    return job["state"] != "queued" or job["error"] is not None


async def heard(receiver: Receiver, count: int = 1) -> list[Arrival]:
    await wait_until(lambda: len(receiver.accepted) >= count, 30, what=f"{count} events arrive")
    return receiver.accepted


# -- what is told


async def test_documents_and_answers_are_told_and_signed(tenant: Tenant, receiver: Receiver) -> None:
    secret = (await listen(tenant, receiver.url))["secret"]
    document = await tenant.document("guide.md", "# Kiwi\n\nThere are 27 kiwis in the garden.")
    broken = await tenant.document("blank.txt", "   \n", "failed")
    asked = (await tenant.call("POST", "/v1/answers", json={"question": "How many kiwis are in the garden?"})).json
    arrivals = {arrival.event["type"]: arrival for arrival in await heard(receiver, 3)}
    assert len(receiver.arrivals) == 3
    expected = {
        "document.ready": {"document_id": document["id"], "version": 1},
        "document.failed": {"document_id": broken["id"], "version": 1, "error": broken["error"]},
        "answer.completed": {"answer_id": asked["id"], "conversation_id": asked["conversation_id"], "found": True},
    }
    assert arrivals.keys() == expected.keys()
    for type_, arrival in arrivals.items():
        arrival.verify(secret)
        assert arrival.event.keys() == {"type", "timestamp", "data"}
        assert arrival.event["data"] == {"space_id": tenant.id, **expected[type_]}
        assert abs(datetime.now(UTC) - datetime.fromisoformat(arrival.event["timestamp"])) < timedelta(minutes=1)
    jobs = await settled(tenant, 3)
    assert {job["id"] for job in jobs} == {arrival.id for arrival in receiver.arrivals}
    assert {job["state"] for job in jobs} == {"succeeded"}


async def test_each_version_is_told_once(tenant: Tenant, receiver: Receiver) -> None:
    await listen(tenant, receiver.url, "document.ready")
    document = await tenant.document("guide.md", "# One\n\nThe first text.")
    await tenant.call(
        "PUT", f"/v1/documents/{document['id']}/content", params={"filename": "guide.md"}, data=b"# Two\n\nThe second."
    )
    await tenant.settled(document["id"], version=2)
    await tenant.upload("guide.md", b"# Two\n\nThe second.")  # is there already
    arrivals = await heard(receiver, 2)
    await settled(tenant, 2)
    assert [arrival.event["data"]["version"] for arrival in arrivals] == [1, 2]


async def test_only_what_was_asked_for_is_told_and_only_in_the_space(open_stack: Stack, tenant: Tenant, receiver: Receiver) -> None:
    async with new_tenant(open_stack) as other, new_receiver() as everything:
        await listen(tenant, receiver.url, "document.failed")
        await listen(tenant, everything.url, "document.ready", "document.failed")
        await listen(tenant, everything.url, "answer.completed")
        await other.document("guide.md", "# Elsewhere\n\nNobody listens here.")
        await tenant.document("guide.md", "# Here\n\nSomebody listens here.")
        await tenant.document("blank.txt", "   \n", "failed")
        assert [arrival.event["type"] for arrival in await heard(receiver)] == ["document.failed"]
        assert sorted(arrival.event["type"] for arrival in await heard(everything, 2)) == ["document.failed", "document.ready"]
        assert len(await settled(tenant, 3)) == 3
        assert await deliveries(other) == []


async def test_a_test_is_delivered_like_an_event(tenant: Tenant, receiver: Receiver) -> None:
    webhook = await listen(tenant, receiver.url, "answer.completed")
    answered = await tenant.call("POST", f"/v1/webhooks/{webhook['id']}/test")
    assert answered.status == 202
    (arrival,) = await heard(receiver)
    arrival.verify(webhook["secret"])
    assert (arrival.id, arrival.event["type"]) == (answered.json["job_id"], "webhook.test")
    assert arrival.event["data"] == {"space_id": tenant.id}


# -- the receiver is away


async def test_after_an_outage_each_event_arrives_once(tenant: Tenant) -> None:
    async with new_receiver(running=False) as receiver:
        secret = (await listen(tenant, receiver.url))["secret"]
        for number in range(3):
            await tenant.document(f"{number}.md", f"# {uuid4()}\n\nA text.")
            await tenant.call("POST", "/v1/answers", json={"question": f"What is number {number}?"})
        for job in await settled(tenant, 6):
            assert (job["state"], job["error_code"], job["attempt"]) == ("queued", "webhook_unavailable", 0)
        receiver.status = 503
        await receiver.start()
        await wait_until(lambda: receiver.arrivals, 30)
        receiver.status = 200
        await heard(receiver, 6)

        async def delivered() -> bool:
            return all(job["state"] == "succeeded" for job in await deliveries(tenant))

        await wait_until(delivered, 30)
        assert len(receiver.accepted) == 6
        assert {arrival.id for arrival in receiver.accepted} == {job["id"] for job in await deliveries(tenant)}
        bodies: dict[str, set[bytes]] = {}
        for arrival in receiver.arrivals:
            arrival.verify(secret)
            bodies.setdefault(arrival.id, set()).add(arrival.body)
        assert all(len(different) == 1 for different in bodies.values()), "the same event is the same bytes whenever it is sent"


async def test_retry_after_is_kept_to(tenant: Tenant, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "120"}
    await listen(tenant, receiver.url, "answer.completed")
    await tenant.call("POST", "/v1/answers", json={"question": "Who is there?"})
    (job,) = await settled(tenant)
    assert job["state"] == "queued"
    assert datetime.fromisoformat(job["run_at"]) - datetime.now(UTC) > timedelta(seconds=100)


@pytest.mark.parametrize("status", [400, 401, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504])
async def test_any_other_answer_is_asked_for_again(tenant: Tenant, receiver: Receiver, status: int) -> None:
    receiver.status = status
    await listen(tenant, receiver.url, "answer.completed")
    await tenant.call("POST", "/v1/answers", json={"question": "Who is there?"})
    (job,) = await settled(tenant)
    assert (job["state"], job["error"]) == ("queued", f"The receiver answered {status}.")


# -- the receiver says no


@pytest.mark.parametrize("status", [301, 302, 304, 307])
async def test_a_redirect_is_not_followed(tenant: Tenant, receiver: Receiver, status: int) -> None:
    receiver.status = status
    async with new_receiver() as elsewhere:
        receiver.headers = {"Location": elsewhere.url}
        await listen(tenant, receiver.url, "answer.completed")
        await tenant.call("POST", "/v1/answers", json={"question": "Who is there?"})
        (job,) = await settled(tenant)
        assert (job["state"], job["error_code"]) == ("queued", "webhook_unavailable")
        assert job["error"] == f"The receiver answered {status}, and redirects are not followed."
        assert len(receiver.arrivals) == 1
        assert elsewhere.arrivals == []


async def test_whoever_is_gone_is_not_told_again(tenant: Tenant, receiver: Receiver) -> None:
    receiver.status = 410
    await listen(tenant, receiver.url)
    await tenant.call("POST", "/v1/answers", json={"question": "Who is there?"})
    assert [job["state"] for job in await settled(tenant)] == ["succeeded"]
    assert (await tenant.get("/v1/webhooks"))["items"] == []
    await tenant.call("POST", "/v1/answers", json={"question": "Who is still there?"})
    assert len(await deliveries(tenant)) == 1
    assert len(receiver.arrivals) == 1


async def test_what_waits_for_a_deleted_webhook_is_dropped(tenant: Tenant, receiver: Receiver) -> None:
    receiver.status = 503
    webhook = await listen(tenant, receiver.url, "answer.completed")
    await tenant.call("POST", "/v1/answers", json={"question": "Who is there?"})
    await settled(tenant)
    assert (await tenant.call("DELETE", f"/v1/webhooks/{webhook['id']}")).status == 204
    receiver.status = 200

    async def ended() -> bool:
        return [job["state"] for job in await deliveries(tenant)] == ["succeeded"]

    await wait_until(ended, 20)
    assert receiver.accepted == []


async def test_private_networks_are_closed_unless_opened(stack: Stack, receiver: Receiver) -> None:
    """The shared stack has the default."""
    async with new_tenant(stack) as tenant:
        await listen(tenant, f"http://localhost:{receiver.port}/hook", "answer.completed")
        await tenant.call("POST", "/v1/answers", json={"question": "Who is there?"})
        (job,) = await settled(tenant)
        assert (job["state"], job["error_code"]) == ("failed", "address_refused")
    assert receiver.arrivals == []


# -- in the transaction of what happened


@pytest.fixture
async def webhook(database: Database, space_id: UUID, receiver: Receiver) -> WebhookRow:
    row = WebhookRow(space_id=space_id, url=receiver.url, events=["document.ready"], secret=make_secret())
    async with database.transaction() as session:
        return await WebhookRepository(session).add(row)


async def told(database: Database, space_id: UUID, event: Event = "document.ready", *, fails: bool = False) -> list[Job]:
    """The deliveries after an event; `fails`: the transaction that it is part of does."""
    with suppress(ZeroDivisionError):
        async with database.transaction() as session:
            await emit(session, Jobs(Bell(None), max_attempts=5), space_id, event, {"document_id": "a"})
            assert not fails or 1 / 0
    async with database.transaction() as session:
        return await JobRepository(session).claim([DELIVER], limit=10, owner="test", lease=timedelta(minutes=1))


async def test_where_nobody_listens_nothing_is_enqueued(database: Database, space_id: UUID) -> None:
    assert await told(database, space_id) == []


@pytest.mark.usefixtures("webhook")
async def test_what_did_not_happen_is_not_told(database: Database, space_id: UUID) -> None:
    assert await told(database, space_id, "answer.completed") == []
    assert await told(database, space_id, fails=True) == []
    assert len(await told(database, space_id)) == 1


@pytest.mark.usefixtures("webhook")
async def test_a_delivery_is_tried_for_three_days(database: Database, space_id: UUID) -> None:
    await told(database, space_id)
    async with database.transaction() as session:
        patience = await session.execute(text("select give_up_at - created_at from jobs"))
        assert patience.scalar_one() == timedelta(days=3)


async def test_an_address_that_was_closed_later_is_refused(
    database: Database, space_id: UUID, webhook: WebhookRow, receiver: Receiver
) -> None:
    (job,) = await told(database, space_id)
    async with open_client(refusal) as client:
        with pytest.raises(AddressRefused):
            await Deliveries(database, client).deliver(JobContext(job, database, None))
    assert webhook.url == receiver.url
    assert receiver.arrivals == []


@pytest.mark.usefixtures("webhook")
async def test_a_deleted_space_tells_nothing_before_it_is_erased(database: Database, space_id: UUID, receiver: Receiver) -> None:
    (job,) = await told(database, space_id)
    async with database.transaction() as session:
        await session.execute(text("update spaces set deleted_at = now()"))
    async with open_client(partial(refusal, allow_private=True)) as client:
        with pytest.raises(WebhookUnavailable, match="may be restored"):
            await Deliveries(database, client).deliver(JobContext(job, database, None))
    assert receiver.arrivals == []


@pytest.mark.usefixtures("webhook")
async def test_the_same_delivery_twice_has_one_id(database: Database, space_id: UUID, receiver: Receiver) -> None:
    """A worker that died before its commit; the receiver knows by the id that it has the event already."""
    (job,) = await told(database, space_id)
    async with open_client(partial(refusal, allow_private=True)) as client:
        for _worker in range(2):
            await Deliveries(database, client).deliver(JobContext(job, database, None))
    first, second = receiver.arrivals
    assert (first.id, first.body) == (second.id, second.body)


@pytest.mark.usefixtures("webhook")
async def test_a_receiver_that_refuses_one_event_is_sent_others(database: Database, space_id: UUID, receiver: Receiver) -> None:
    receiver.status = 422
    (job,) = await told(database, space_id)
    async with open_client(partial(refusal, allow_private=True)) as client:
        deliveries = Deliveries(database, client)
        for _ in range(8):
            with pytest.raises(WebhookUnavailable, match="422"):
                await deliveries.deliver(JobContext(job, database, None))
    assert len(receiver.arrivals) == 8


@pytest.mark.usefixtures("webhook")
async def test_a_silent_receiver_is_left_alone(database: Database, space_id: UUID, receiver: Receiver) -> None:
    """After five failures nobody waits for it any more, and each delivery keeps its own growing wait."""
    receiver.status, receiver.headers = 503, {"Retry-After": "9"}
    (job,) = await told(database, space_id)
    waits: list[float | None] = []
    async with open_client(partial(refusal, allow_private=True)) as client:
        deliveries = Deliveries(database, client)
        for _ in range(8):
            with pytest.raises(WebhookUnavailable) as raised:
                await deliveries.deliver(JobContext(job, database, None))
            waits.append(raised.value.retry_after)
    assert len(receiver.arrivals) == 5
    assert waits == [9.0] * 5 + [None] * 3
