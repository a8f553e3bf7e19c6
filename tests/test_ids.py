from uuid import uuid4

from protostar.ids import derived_id, new_id


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
