"""A server of files on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture
def api_of_files():
    """Return a function that serves files by path, and returns the address."""
    servers = []

    def serve(files):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(files.get(self.path, {})).encode()
                self.send_response(200 if self.path in files else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
