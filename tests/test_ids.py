from datetime import UTC, datetime, timedelta
from uuid import uuid4

from protostar.ids import derived_id, first_id, made_at, new_id


def test_an_id_tells_when_it_was_made() -> None:
    moment = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)
    assert made_at(first_id(moment)) == moment
    assert abs(made_at(new_id()) - datetime.now(UTC)) < timedelta(seconds=10)


def test_derived_ids_are_always_the_same_and_keep_the_order() -> None:
    owner = uuid4()
    ids = []
    while len(ids) < 20:
        if not ids or (id_ := new_id()).int >> 80 > ids[-1].int >> 80:
            ids.append(id_ if ids else new_id())
    derived = [derived_id(id_, owner) for id_ in ids]
    assert derived == [derived_id(id_, owner) for id_ in ids]
    assert derived == sorted(derived)
    assert not set(derived) & {derived_id(id_, uuid4()) for id_ in ids}
    assert {(id_.version, id_.variant) for id_ in derived} == {(ids[0].version, ids[0].variant)}
