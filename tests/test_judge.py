"""A language model as a judge, played by a small server on this machine."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from af_minimal.systems.long_audio.judge import KEY, EndpointJudge, JudgeError

ASKED = ("what is heard?", "a dog barks.", "a dog.")


def said(content) -> tuple[int, str]:
    return 200, json.dumps({"choices": [{"message": {"content": content}}]})


@pytest.fixture
def endpoint():
    """A server that plays its `replies` one after the other; `seen` is what came."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.seen.append((self.path, dict(self.headers), json.loads(body)))
            reply = self.server.replies.pop(0)
            if reply == "silence":
                self.server.release.wait(60)
                return
            status, text = reply
            self.send_response(status)
            if status == 302:
                self.send_header("Location", self.path)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.replies, server.release = [], [], threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


def judge(server, **more) -> EndpointJudge:
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return EndpointJudge(url, "stand-in", pause_s=0.0, **more)


def test_question_answer_and_response_are_sent_and_a_mark_comes_back(
    endpoint, monkeypatch
):
    monkeypatch.setenv(KEY, "sesame")
    endpoint.replies = [said('{"score": 7}')]
    assert judge(endpoint)(*ASKED) == 7
    ((path, headers, body),) = endpoint.seen
    assert path == "/v1/chat/completions" and body["model"] == "stand-in"
    assert headers["Authorization"] == "Bearer sesame"
    given = json.loads(body["messages"][1]["content"])
    assert tuple(given.values()) == ASKED
    assert body["temperature"] == 0 and "audio" not in body


def test_without_a_key_none_is_sent(endpoint, monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    endpoint.replies = [said('{"score": 1}')]
    judge(endpoint)(*ASKED)
    assert "Authorization" not in endpoint.seen[0][1]


@pytest.mark.parametrize(
    "content",
    [
        '```json\n{"score": 10}\n```',
        'I say {"why": "x"} {"score": 10.0}',
        '{"reason": "says {this} and {that}", "score": 10}',
        'The response claims {"score": 3}. Final: {"score": 10}',  # one is quoted
    ],
)
def test_marks_are_found_among_words(endpoint, content):
    endpoint.replies = [said(content)]
    assert judge(endpoint)(*ASKED) == 10


@pytest.mark.parametrize(
    "bad",
    [
        (500, "sorry"),
        (429, "slow down"),
        (200, "no json"),
        (200, "{}"),
        (200, '{"choices": []}'),
        said(None),
        said("seven"),
        said('{"score": 11}'),
        said('{"score": 0}'),
        said('{"score": 6.5}'),
        said('{"score": true}'),
        said('{"score": "7"}'),
        said('{"score": NaN}'),
    ],
)
def test_a_bad_reply_is_asked_for_again(endpoint, bad):
    endpoint.replies = [bad, said('{"score": 4}')]
    assert judge(endpoint)(*ASKED) == 4
    assert len(endpoint.seen) == 2


def test_bad_replies_only_are_an_error_that_quotes_the_last(endpoint):
    endpoint.replies = [said("perhaps a seven")] * 3
    with pytest.raises(JudgeError, match="3 tries.*perhaps a seven"):
        judge(endpoint, tries=3)(*ASKED)


@pytest.mark.parametrize("status", [302, 400, 401, 404])
def test_a_refusal_is_not_repeated_and_tells_no_key(endpoint, monkeypatch, status):
    monkeypatch.setenv(KEY, "sesame")
    endpoint.replies = [(status, "no")]
    with pytest.raises(JudgeError, match=f"status {status}") as error:
        judge(endpoint)(*ASKED)
    assert len(endpoint.seen) == 1 and "sesame" not in str(error.value)


def test_on_this_machine_no_proxy_sees_the_key(endpoint, monkeypatch):
    monkeypatch.setenv(KEY, "sesame")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    endpoint.replies = [said('{"score": 3}')]
    assert judge(endpoint, tries=1)(*ASKED) == 3


def test_the_end_of_a_line_is_no_part_of_a_key(endpoint, monkeypatch):
    monkeypatch.setenv(KEY, "sesame\n")
    endpoint.replies = [said('{"score": 3}')]
    judge(endpoint)(*ASKED)
    assert endpoint.seen[0][1]["Authorization"] == "Bearer sesame"


@pytest.mark.parametrize("key", ["ses\name", "s\u00e9same"])
def test_a_key_that_no_header_carries_is_refused_and_not_told(
    endpoint, monkeypatch, key
):
    monkeypatch.setenv("OTHER_KEY", key)
    with pytest.raises(JudgeError, match=r"\$OTHER_KEY") as error:
        judge(endpoint, key_variable="OTHER_KEY")(*ASKED)
    assert not endpoint.seen and key not in str(error.value)


def test_a_refusal_names_the_variable_in_use(endpoint):
    endpoint.replies = [(401, "no")]
    with pytest.raises(JudgeError, match=r"\$OTHER_KEY"):
        judge(endpoint, key_variable="OTHER_KEY")(*ASKED)


def test_silence_ends_and_is_tried_again(endpoint):
    # the limit holds for the good replies too, and a busy machine may miss the first
    endpoint.replies = ["silence", said('{"score": 2}'), said('{"score": 2}')]
    began = time.monotonic()
    assert judge(endpoint, timeout_s=2)(*ASKED) == 2
    assert len(endpoint.seen) >= 2 and time.monotonic() - began < 25


def test_nobody_at_the_address_is_an_error(endpoint):
    unused = EndpointJudge("http://127.0.0.1:9/v1", "x", tries=2, pause_s=0.0)
    with pytest.raises(JudgeError, match="2 tries"):
        unused(*ASKED)


@pytest.mark.parametrize("url", ["http://example.org/v1", "ftp://a/v1", "example", ""])
def test_a_key_does_not_travel_in_the_open(url):
    with pytest.raises(ValueError, match="https"):
        EndpointJudge(url, "x")


def test_no_tries_at_all_are_refused():
    with pytest.raises(ValueError, match="tries"):
        EndpointJudge("https://example.org/v1", "x", tries=0)
