import base64

from tests.webhooks.receiver import signature

from protostar.webhooks.signing import make_secret, signed_headers


def test_secrets_are_random_and_long_enough() -> None:
    secrets = {make_secret() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example that the libraries of Standard Webhooks are tested with."""
    secret, id_, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    headers = signed_headers(secret, id_, 1614265330, body)
    assert headers["webhook-id"] == id_
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-signature"] == signature(secret, id_, "1614265330", body)
