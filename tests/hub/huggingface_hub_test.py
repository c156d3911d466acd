#!/usr/bin/env python3
"""One cache for sotto and huggingface_hub: each reads what the other fetched, from a hub on 127.0.0.1.

Usage: huggingface_hub_test.py FETCH_MODEL. Exits with 77 (skipped) where huggingface_hub is not installed."""

import hashlib
import http.server
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import urllib.parse

REPOSITORY = "openai/whisper-tiny"
COMMIT = "169d4a4341b33bc18d8881c4b69c2e104e1cc0af"
WEIGHTS = random.Random(1).randbytes(2_000_000)
FILES = {
    "config.json": b'{"model_type": "whisper"}',
    "generation_config.json": b"{}",
    "tokenizer.json": b'{"a": 1}',
    "model.safetensors": WEIGHTS,
}
LARGE = {"model.safetensors"}


def etag(name: str) -> str:
    content = FILES[name]
    if name in LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests: list[str] = []

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer(head=True)

    def do_GET(self):
        self.answer(head=False)

    def send(self, status: int, content: bytes, headers: dict[str, str], head: bool):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not head:
            self.wfile.write(content)

    def answer(self, head: bool):
        path = urllib.parse.urlsplit(self.path).path
        Hub.requests.append(f"{self.command} {path}")
        name = path.rsplit("/", 1)[-1]
        if path.startswith(f"/api/models/{REPOSITORY}/revision/"):
            listing = {"id": REPOSITORY, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "likes": 0,
                       "siblings": [{"rfilename": name} for name in FILES]}
            self.send(200, json.dumps(listing).encode(), {"Content-Type": "application/json"}, head)
        elif path.startswith(f"/api/models/{REPOSITORY}/tree/"):
            tree = [{"type": "file", "path": name, "size": len(content), "oid": etag(name)} for name, content in FILES.items()]
            self.send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"}, head)
        elif path.startswith("/storage/"):
            self.send(200, FILES[name], {}, head)
        elif f"/{REPOSITORY}/resolve/" in path and name in FILES:
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag(name)}"'}
            if name in LARGE:
                # On another host, as far as a client can tell.
                host = f"http://localhost:{self.server.server_port}"
                headers |= {"X-Linked-ETag": f'"{etag(name)}"', "X-Linked-Size": str(len(FILES[name])),
                            "Location": f"{host}/storage/{name}"}
                self.send(302, b"", headers, head)
            else:
                self.send(200, FILES[name], headers, head)
        else:
            self.send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, head)


def n_contents() -> int:
    """How many files were fetched, not asked about, since the last call."""
    n = sum(line.startswith("GET ") and "/api/" not in line for line in Hub.requests)
    Hub.requests.clear()
    return n


def check_files(directory: str):
    for name, content in FILES.items():
        assert (pathlib.Path(directory) / name).read_bytes() == content, name


def links(cache: pathlib.Path) -> dict[str, str]:
    """Every link and folder of a cache but what only huggingface_hub keeps (its lists of files)."""
    found = {}
    for path in sorted(cache.rglob("*")):
        name = path.relative_to(cache).as_posix()
        if "trees" not in path.parts and not name.startswith("blobs"):
            found[name] = os.readlink(path) if path.is_symlink() else "directory" if path.is_dir() else "file"
    return found


def main() -> int:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    os.environ |= {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                   "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        os.environ.pop(name, None)
    try:
        import huggingface_hub
    except ImportError:
        print("skipped: pip install huggingface_hub")
        return 77

    def sotto(cache: pathlib.Path, *options: str) -> str:
        command = [sys.argv[1], endpoint, str(cache), REPOSITORY, *options]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    with tempfile.TemporaryDirectory() as temporary:
        ours, theirs = pathlib.Path(temporary) / "ours", pathlib.Path(temporary) / "theirs"

        directory = sotto(ours)
        check_files(directory)
        assert n_contents() == len(FILES) + 1  # the weights by way of a redirect
        for name in FILES:
            path = huggingface_hub.hf_hub_download(REPOSITORY, name, cache_dir=ours, local_files_only=True)
            assert path == f"{directory}/{name}", path
            assert huggingface_hub.try_to_load_from_cache(REPOSITORY, name, cache_dir=ours) == path
        assert huggingface_hub.snapshot_download(REPOSITORY, cache_dir=ours, local_files_only=True) == directory
        assert n_contents() == 0
        assert huggingface_hub.snapshot_download(REPOSITORY, cache_dir=ours) == directory
        assert n_contents() == 0
        scan = huggingface_hub.scan_cache_dir(ours)
        assert not scan.warnings, scan.warnings
        (repo,) = scan.repos
        (revision,) = repo.revisions
        assert (repo.repo_id, revision.commit_hash, set(revision.refs)) == (REPOSITORY, COMMIT, {"main"})
        assert repo.size_on_disk == sum(map(len, FILES.values()))

        huggingface_hub.snapshot_download(REPOSITORY, cache_dir=theirs)
        n_contents()
        directory = sotto(theirs, "offline")
        check_files(directory)
        assert sotto(theirs) == directory
        assert n_contents() == 0
        assert links(ours) == links(theirs), (links(ours), links(theirs))
    print(f"huggingface_hub {huggingface_hub.__version__}: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
