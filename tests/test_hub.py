"""A download over HTTP, from a hub that runs on this machine.

No stand-in takes the place of `huggingface_hub` here: its own client asks a server that
speaks as the hub does, so the files pass through all that lies between.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
import torch
from huggingface_hub import close_session, constants
from official_layouts import (
    FULL,
    base_lm,
    options_of,
    weights_of_case,
    write_chunks,
    write_parts,
)

import af_minimal as af
from af_minimal.official import to_official

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME, LM = "nvidia/audio-flamingo-2-0.5B", "Qwen/Qwen2.5-0.5B"
CHUNK = "safe_ckpt/chunk_0.safetensors"
COT = "nvidia/audio-flamingo-2-SoundCoT"
CASES = {NAME: FULL[-1], "nvidia/audio-flamingo": FULL[0], COT: FULL[-1]}
LMS = {
    NAME: LM,
    "nvidia/audio-flamingo": "facebook/opt-iml-max-1.3b",
    COT: "Qwen/Qwen2.5-3B",
}


class Hub:
    """Folders under names as "owner/name", and what was asked for."""

    def __init__(self):
        self.folders: dict[str, Path] = {}
        self.closed: set[str] = set()  # whose licence must be accepted first
        self.cuts: dict[str, int] = {}  # file -> how often its line breaks
        self.asked: list[str] = []


class Answers(BaseHTTPRequestHandler):
    """What the hub says of a repository, and its files."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args):
        """Say nothing."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(self.path.split("?")[0])
        self.hub.asked.append(f"{self.command} {path}")
        if path.startswith("/api/models/"):
            owner, name, *rest = path.removeprefix("/api/models/").split("/")
            return self.describe(f"{owner}/{name}", listed="tree" in rest)
        owner, name, _, _, *rest = path.strip("/").split("/")
        return self.file(f"{owner}/{name}", "/".join(rest))

    def describe(self, repo: str, listed: bool):
        if repo not in self.hub.folders:
            return self.refuse(401, "RepoNotFound")
        folder = self.hub.folders[repo]
        files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
        names = {p.relative_to(folder).as_posix(): p for p in files}
        told: list | dict = [
            {"type": "file", "path": name, "oid": COMMIT, "size": path.stat().st_size}
            for name, path in names.items()
        ]
        if not listed:
            siblings = [{"rfilename": name} for name in names]
            told = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": siblings}
        self.send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def file(self, repo: str, name: str):
        if repo in self.hub.closed:
            return self.refuse(403, "GatedRepo")
        data = (self.hub.folders[repo] / name).read_bytes()
        headers = {"X-Repo-Commit": COMMIT}
        headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()}"'
        start = 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = self.command == "GET" and self.hub.cuts.get(name, 0) > 0
        self.send(206 if asked else 200, data[start:], headers, 1000 if cut else None)
        if cut:
            self.hub.cuts[name] -= 1
            self.close_connection = True

    def refuse(self, status: int, code: str):
        self.send(status, b"", {"X-Error-Code": code, "X-Error-Message": "no"})

    def send(self, status: int, data: bytes, headers: dict, upto: int | None = None):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[:upto])


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[Hub]:
    """A hub on this machine with three published models and their language models."""
    shelf = Hub()
    writers = write_chunks, write_parts, write_chunks
    for name, write in zip(CASES, writers, strict=True):
        weights, folder = weights_of_case(CASES[name]), tmp_path / name
        shelf.folders[name] = write(weights, folder)
        (folder / "figure.png").write_bytes(b"not asked for")
        base_lm(CASES[name], tmp_path / LMS[name], weights)
        shelf.folders[LMS[name]] = tmp_path / LMS[name]
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Own", (Answers,), {"hub": shelf})
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    close_session()  # a client that was made before knows other proxies
    url, there = f"http://127.0.0.1:{server.server_port}", constants.ENDPOINT
    files = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(there, url)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield shelf
    server.shutdown()
    server.server_close()


def load(name: str = NAME, **options):
    """The published model, as a user asks for it but for the recorded sizes."""
    sizes = {k: v for k, v in options_of(CASES[name]).items() if k != "lm"}
    return af.load(name, dtype=torch.float32, **sizes, **options)


def same_weights(model, name: str = NAME) -> bool:
    """Whether a model's weights are those that the hub has."""
    found, weights = to_official(model), weights_of_case(CASES[name])
    return found.keys() == weights.keys() and all(
        torch.equal(found[name], weights[name]) for name in weights
    )


@pytest.mark.parametrize("name", CASES)
def test_a_download_comes_over_the_wire_and_stays(hub, name, capsys):
    model = load(name, download=True)
    assert same_weights(model, name) and model.tokenizer is not None
    assert "sha256" in capsys.readouterr().out
    assert not any("figure.png" in one for one in hub.asked)
    hub.asked.clear()
    assert same_weights(load(name), name)  # from the cache
    assert hub.asked == []


def test_terms_that_must_be_accepted_first(hub):
    hub.closed.add(NAME)
    with pytest.raises(PermissionError, match="accepted its terms.*hf auth login"):
        load(download=True)


@pytest.mark.parametrize("gone", [NAME, LM])
def test_a_repository_that_is_gone(hub, gone):
    del hub.folders[gone]
    with pytest.raises(FileNotFoundError, match=f"shows no {gone}"):
        load(download=True)


def test_a_broken_line_is_mended(hub):
    hub.cuts[CHUNK] = 1
    assert same_weights(load(download=True))
    assert hub.cuts[CHUNK] == 0


def test_a_line_that_breaks_ever_again_is_told(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    hub.cuts[CHUNK] = 100
    with pytest.raises(ConnectionError, match="broke off.*ask again"):
        load(download=True)
    hub.cuts.clear()
    hub.asked.clear()
    assert same_weights(load(download=True))
    fetched = [one for one in hub.asked if one.startswith("GET") and "resolve" in one]
    assert not any("metadata.json" in one for one in fetched)  # it had come whole


def test_a_hub_that_is_not_there(hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises((FileNotFoundError, ConnectionError), match=NAME):
        load(download=True)
