"""Every fault of a model server, and what becomes of it."""

import asyncio
import gc
import ssl
import traceback
from contextlib import aclosing

import aiohttp
import pytest
from aiohttp import http_exceptions
from aiohttp.client_reqrep import ConnectionKey
from tests.support.waiting import wait_until

from protostar.errors import ModelKeyRejected, ModelRejected, ModelUnavailable
from protostar.llm.openai import OpenAIChatModel
from protostar.llm.transport import ModelServer, Patience
from protostar.retry import MAX_RETRY_AFTER

KEY = "sk-secret-key-1234"


@pytest.fixture(params=["chat", "embedding"])
def call(request, chat, embedding, read, embed):
    """Makes one request with settings of its own, as a chat and as an embedding."""
    if request.param == "chat":
        return lambda **fields: read(chat(**fields))
    return lambda **fields: embed(embedding(**fields))


def no_secret(error):
    """Neither key nor address, wherever an error or its causes may be printed."""
    shown = "".join(traceback.format_exception(error)) + str(error) + repr(error)
    return KEY not in shown and "127.0.0.1" not in str(error)


# --- faults of both


@pytest.mark.parametrize(
    ("status", "setting"),
    [
        (202, "BASE_URL"),
        (400, "MODEL"),
        (401, "API_KEY"),
        (403, "API_KEY"),
        (404, "MODEL"),
        (405, "BASE_URL"),
        (413, "CONTEXT_CHARS|BATCH_SIZE"),
        (422, "CONTEXT_CHARS|DIMENSIONS"),
    ],
)
async def test_a_refusal_names_the_setting(server, call, status, setting):
    server.behave(status=status, message=f"No.\n Not with {KEY}.")
    with pytest.raises(ModelRejected, match=f"Check .*PROTOSTAR_(CHAT|EMBEDDING)_({setting})") as caught:
        await call()
    assert f"answered {status}: No. Not with …" in str(caught.value)
    assert isinstance(caught.value, ModelKeyRejected) is (status == 401)
    assert no_secret(caught.value)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
async def test_a_status_that_passes_is_an_absence(server, call, status):
    server.behave(status=status, retry_after=7)
    with pytest.raises(ModelUnavailable, match=f"answered {status}: The stand-in") as caught:
        await call()
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("soon", None), ("-3", 0), ("1e9", None), ("99999999", MAX_RETRY_AFTER)]
)
async def test_retry_after_is_believed_within_bounds(server, chat, header, seconds, read):
    server.behave(status=429, retry_after=header)
    with pytest.raises(ModelUnavailable) as caught:
        await read(chat())
    assert caught.value.retry_after == seconds


async def test_a_redirect_is_not_followed(server, call):
    server.behave(status=307, location="?again", times=1)
    with pytest.raises(ModelRejected, match="_BASE_URL"):
        await call()
    assert server.counts.chat_calls + server.counts.embedding_calls == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "too long"}}', ": too long"),
        ('{"error": "no model"}', ": no model"),
        ('{"object": "error", "message": "no model"}', ": no model"),
        ('{"detail": [{"loc": ["body"], "msg": "bad"}]}', ': [{"loc": ["body"], "msg": "bad"}]'),
        ("plain words", ": plain words"),
        ("<html><h1>nginx</h1></html>", ""),
        ("[" * 100_000, None),
        ('{"error": {"code": 7}}', ""),
        ("", ""),
        ("x" * 1000, ": " + "x" * 299 + "…"),
        ("x" * 290 + KEY, ": " + "x" * 290 + "…"),  # first without the key, then cut
    ],
)
async def test_the_servers_words_are_passed_on(server, chat, body, words, read):
    server.behave(status=400, body=body)
    with pytest.raises(ModelRejected) as caught:
        await read(chat())
    assert len(str(caught.value)) < 500
    if words is not None:
        assert str(caught.value).startswith(f"The chat model answered 400{words}. Check ")


async def test_a_long_error_body_is_not_read_to_its_end(server, call):
    server.behave(status=401, body="x" * 10_000_000)
    with pytest.raises(ModelRejected, match="answered 401: xxx"):
        await call()


async def test_the_rest_of_a_long_error_body_is_not_waited_for(raw_server, call):
    url = await raw_server(b"HTTP/1.1 401 No\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 100_000)
    with pytest.raises(ModelRejected, match="answered 401: xxx"):
        await call(base_url=url)


async def test_nobody_listens(unused_tcp_port, call):
    with pytest.raises(ModelUnavailable, match="no connection could be made") as caught:
        await call(base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")
    assert no_secret(caught.value)


async def test_an_unknown_host(nameless_session, chat_settings, read):
    async with nameless_session() as session:
        model = OpenAIChatModel(session, chat_settings(base_url="http://models.invalid/v1"), "chat")
        with pytest.raises(ModelUnavailable, match="host name"):
            await read(model)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"disconnect": True}, "the connection broke"),
        ({"garbage": True}, "does not speak HTTP"),
        ({"body": "{"}, "not what the OpenAI API promises"),
        ({"body": '{"error": {"message": "overloaded"}}'}, "as it should: overloaded"),
        ({"body": '{"error": {"message": "slow down", "code": 429}}'}, "answered 429: slow down"),
        ({"body": "<html>", "content_type": "text/html"}, "not what the OpenAI API promises"),
    ],
)
async def test_no_usable_answer_at_all(server, call, fault, words):
    server.behave(**fault)
    with pytest.raises(ModelUnavailable, match=words) as caught:
        await call()
    assert no_secret(caught.value)


async def test_a_kept_connection_that_the_server_has_closed_is_no_absence(server, call):
    """As llama.cpp leaves them after every stream."""
    server.behave(once=True)
    first = await call()
    for _ in range(3):
        assert await call() == first


async def test_a_connection_that_breaks_on_its_first_request_is_an_absence(server, call):
    server.behave(disconnect=True)
    with pytest.raises(ModelUnavailable, match="the connection broke"):
        await call()
    assert server.counts.chat_calls + server.counts.embedding_calls == 1


async def test_a_server_that_hangs(server, chat, embedding, read, embed):
    server.behave(hang="headers")
    with pytest.raises(ModelUnavailable, match=r"nothing came for 0\.3 s"):
        await read(chat(first_token_timeout="0.3"))
    with pytest.raises(ModelUnavailable, match=r"not done within 0\.3 s"):
        await embed(embedding(), timeout=0.3)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
async def test_broken_http(raw_server, call, reply):
    with pytest.raises(ModelUnavailable) as caught:
        await call(base_url=await raw_server(reply))
    assert no_secret(caught.value)


def every_foreign_error():
    """An instance of each exception of aiohttp's client and parser, and of those of the system below it."""

    def family(base):
        return [base, *(each for child in base.__subclasses__() for each in family(child))]

    key = ConnectionKey("127.0.0.1", 1, False, True, None, None, None)
    info = aiohttp.RequestInfo("http://127.0.0.1", "POST", {"Authorization": KEY}, "http://127.0.0.1")
    system = OSError(111, "refused")
    arguments = [
        (key, system),
        ("/socket", key, system),
        (info, ()),
        (b"expected", b"got", "127.0.0.1", 1),
        ("http://127.0.0.1",),
        ("a line", "a limit"),
        (),
    ]
    kinds = family(aiohttp.ClientError) + family(http_exceptions.HttpProcessingError)
    gc.collect()
    for kind in dict.fromkeys(kinds):
        if kind.__module__.startswith("aiohttp"):
            yield next(error for given in arguments if (error := _built(kind, given)) is not None)
    yield from (TimeoutError("too late"), ConnectionResetError(104, "reset"), BrokenPipeError(), ssl.SSLError(1, "bad"), system)


def _built(kind, given):
    try:
        error = kind(*given)
        return error if str(error) is not None else None
    except (TypeError, AttributeError):
        return None


@pytest.mark.parametrize("error", list(every_foreign_error()), ids=lambda error: type(error).__name__)
async def test_no_foreign_error_is_unmapped(session, chat_settings, error):
    server = ModelServer(session, "CHAT", chat_settings())
    with pytest.raises((ModelUnavailable, ModelRejected)) as caught, server._translated():
        raise error
    assert caught.value.__cause__ is error
    of_the_address = isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.RedirectClientError))
    assert isinstance(caught.value, ModelRejected) == of_the_address
    assert KEY not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_connection_that_takes_too_long_is_called_so():
    async def connect():
        raise aiohttp.ConnectionTimeoutError

    with pytest.raises(aiohttp.ConnectionTimeoutError):
        await Patience(5.0).wait(connect())


@pytest.mark.parametrize("error", [KeyError("bug"), ValueError("bug"), asyncio.CancelledError(), ModelRejected("told")])
async def test_our_own_errors_are_not_disguised(session, chat_settings, error):
    server = ModelServer(session, "CHAT", chat_settings())
    with pytest.raises(type(error)) as caught, server._translated():
        raise error
    assert caught.value is error


# --- faults of streams


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"hang": "first_token"}, r"nothing came for 0\.4 s"),
        ({"hang": "mid_stream"}, r"nothing came for 0\.3 s"),
        ({"repeat": ": keep-alive\n\n"}, r"nothing came for 0\.3 s"),
        ({"repeat": 'data: {"choices": []}\n\n'}, r"nothing came for 0\.3 s"),
        ({"cut": "abort"}, "broke"),
        ({"cut": "end"}, "its answer broke off"),
        ({"cut": "event"}, "not what the OpenAI API promises"),
        ({"malformed": True}, "not what the OpenAI API promises"),
        ({"error": {"message": "out of memory"}}, "as it should: out of memory"),
        ({"error": "out of memory"}, "as it should: out of memory"),
        ({"error": {"message": "slow down", "code": 429}}, "answered 429: slow down"),
        ({"repeat": "x" * 100_000}, "not what the OpenAI API promises"),
    ],
)
async def test_a_stream_that_breaks_off(server, chat, fault, words, collect, prompt, answer):
    server.behave(**fault)
    received = []
    model = chat(first_token_timeout="0.4" if fault.get("hang") == "first_token" else "10", idle_timeout="0.3")
    with pytest.raises(ModelUnavailable, match=words) as caught:
        await collect(model.stream(prompt, max_tokens=100), received)
    assert answer.startswith("".join(received))
    assert bool(received) == (fault.get("hang") != "first_token")
    assert no_secret(caught.value)


async def test_a_stream_may_not_grow_without_end(chat, read, monkeypatch):
    monkeypatch.setattr("protostar.llm.openai.MAX_STREAM_BYTES", 500)
    with pytest.raises(ModelUnavailable, match="broke off"):
        await read(chat())


async def test_an_error_in_the_stream_may_be_a_refusal(server, chat, read):
    server.behave(error={"message": "content filtered", "code": 400})
    with pytest.raises(ModelRejected, match="content filtered"):
        await read(chat())


async def test_the_whole_answer_has_a_time(server, chat, read):
    server.behave(delay=0.05, tokens=1000)
    with pytest.raises(ModelUnavailable, match=r"not done within 0\.4 s"):
        await read(chat(), max_tokens=2000, timeout=0.4)


async def test_a_slow_reader_is_no_slow_server(server, chat, prompt):
    server.behave(delay=0.01, tokens=3)
    words = 0
    async with aclosing(chat(idle_timeout="0.5").stream(prompt, max_tokens=100)) as deltas:
        async for delta in deltas:
            words += bool(delta.text)
            await asyncio.sleep(0.6)
    assert words == 3


@pytest.mark.parametrize("hang", ["headers", "first_token", "mid_stream"])
async def test_cancelling_ends_the_request_on_the_other_side(server, chat, hang, read):
    server.behave(hang=hang)
    task = asyncio.create_task(read(chat(first_token_timeout="60", idle_timeout="60")))
    await wait_until(lambda: server.open_requests == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until(lambda: server.open_requests == 0)
    assert server.counts.abandoned == 1


async def test_closing_ends_the_request_on_the_other_side(server, chat, prompt):
    server.behave(hang="mid_stream")
    deltas = chat().stream(prompt, max_tokens=100)
    assert (await anext(deltas)).text
    assert server.open_requests == 1
    await deltas.aclose()
    await wait_until(lambda: server.open_requests == 0)
    assert server.counts.abandoned == 1


async def test_nothing_is_sent_before_the_first_step(server, chat, prompt):
    await chat().stream(prompt, max_tokens=100).aclose()
    assert server.counts.chat_calls == 0


async def test_cancelling_an_embedding_ends_the_request_on_the_other_side(server, embedding, embed):
    server.behave(hang="headers")
    task = asyncio.create_task(embed(embedding(), timeout=60))
    await wait_until(lambda: server.open_requests == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until(lambda: server.open_requests == 0)
