"""A receiver of webhooks that checks every request with the library of Standard
Webhooks, and writes down what came. The path says how it behaves."""

import http.server
import json
import os
import ssl
import sys
import threading
import time

from standardwebhooks import Webhook

log = open(sys.argv[1], "a", buffering=1)
webhook = Webhook(os.environ["SECRET"])
certificates = sys.argv[2:]
counts = {}
guard = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers["content-length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # Killed while it spoke.
        entry = {"path": self.path, "id": self.headers["webhook-id"], "signatures": self.headers["webhook-signature"],
                 "type": self.headers["content-type"], "timestamp": int(self.headers["webhook-timestamp"]),
                 "at": time.time(), "agent": self.headers["user-agent"]}
        try:
            entry["event"] = webhook.verify(body, dict(self.headers))
            entry["verified"] = True
        except Exception as error:
            entry["verified"] = repr(error)
        with guard:
            earlier = counts[self.path] = counts.get(self.path, 0) + 1
            log.write(json.dumps(entry) + "\n")
        getattr(self, "at_" + self.path.strip("/").replace("-", "_").split("?")[0], self.at_ok)(earlier)

    def at_ok(self, _):
        self.answer(200)

    def at_slow(self, _):
        time.sleep(0.005)
        self.answer(200)

    def at_no_content(self, _):
        self.send_response(204)
        self.end_headers()

    def at_flaky(self, earlier):
        if earlier == 1:
            self.answer(500, b"out of\n\x1b[31mdisk")
        elif earlier == 2:
            self.answer(429, Retry_After="1")
        elif earlier == 3:
            self.close_connection = True
        else:
            self.answer(202)

    def at_never(self, _):
        self.answer(503, b"x" * 5000)

    def at_later(self, _):
        self.answer(503, Retry_After="3600")

    def at_bad(self, _):
        self.answer(400, b"no\x1b[31m field `id`\nhere " + b"x" * 5000)

    def at_third(self, earlier):
        self.answer(200 if earlier < 3 else 422, b"the third is too much")

    def at_gone(self, _):
        self.answer(410, b"unsubscribed")

    def at_forbidden(self, _):
        self.answer(401, b"who are you?")

    def at_away(self, _):
        self.answer(302, Location="/ok")

    def at_away_for_good(self, _):
        self.answer(308, Location="/ok")

    def at_hang(self, _):
        time.sleep(60)

    def at_drip(self, _):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + b"x" * 10000:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.05)

    def at_headers(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-Y: " + b"x" * 1000 + b"\r\n")

    def at_endless(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            self.wfile.write(b"x" * 1000)

    def at_slow_body(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        time.sleep(60)

    def at_nonsense(self, _):
        self.wfile.write(b"220 mail.example.com ESMTP\r\n")
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
if certificates:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
