"""Nobody is taken for dead because PostgreSQL was away."""

from datetime import timedelta

from protostar.jobs.leases import Contact


def test_contact_is_trusted_once_it_has_held_for_half_a_lease() -> None:
    now = 100.0
    contact = Contact(timedelta(seconds=30), lambda: now)
    outcomes = []
    for pause in (0, 6, 6, 6, 6, 15, 16, 6, 6, 6):
        now += pause
        outcomes.append((pause, contact.answered()))
    assert outcomes == [
        (0, False), (6, False), (6, False), (6, True), (6, True), (15, True), (16, False), (6, False), (6, False), (6, True),
    ]  # fmt: skip
