#!/usr/bin/env python3
"""A proxy before an object store, which makes what is told go wrong.

usage: fault_proxy.py PORT UPSTREAM_PORT [FILE]

With a file, which has a key and a certificate, it speaks TLS.

POST /_faults sets what goes wrong, a line each: METHOD TIMES FAULT [VALUE] [PATTERN].  The next TIMES requests of that
method ('*': any) whose path and query match the pattern meet the fault.  GET /_log says what was asked since, and with which
tags.  GET /_headers says which headers came with it, a line each: METHOD PATH NAME: VALUE.  GET /_bodies says how many
milliseconds each body took to come.

Faults: delay MS; status CODE[:S3CODE]; reset (in the midst of the body); truncate (likewise, in order); corrupt (a byte
of the body); short (a shorter body, of the right form); whole (the range is ignored); shift (another range); lost (the
server does it, the answer does not come); hang (no answer); error200 (status 200 with an error in the body); echo (an
error that repeats the request's headers).
"""
import http.client
import re
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

upstream = int(sys.argv[2])
lock = threading.Lock()
faults, log, bodies, headers = [], [], [], []


def error_body(code, message="made by the proxy"):
    return f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def handle_expect_100(self):
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def control(self, body):
        with lock:
            if self.path == "/_faults":
                log.clear()
                bodies.clear()
                headers.clear()
                faults.clear()
                for line in body.decode().splitlines():
                    method, times, fault, *rest = line.split()
                    faults.append([method, int(times), fault, rest[0] if rest else "", rest[1] if len(rest) > 1 else ""])
            answer = "\n".join({"/_bodies": bodies, "/_headers": headers}.get(self.path, log)).encode()
        self.answer(200, [("Content-Length", str(len(answer)))], answer)

    def find_fault(self):
        with lock:
            tags = self.headers.get("x-amz-tagging")
            log.append(f"{self.command} {self.path}" + (f" tags {tags}" if tags else ""))
            headers.extend(f"{self.command} {self.path} {name.lower()}: {value}" for name, value in self.headers.items())
            for fault in faults:
                if fault[1] > 0 and fault[0] in ("*", self.command) and re.search(fault[4], self.path):
                    fault[1] -= 1
                    return fault[2], fault[3]
        return "", ""

    def drop(self, hard):
        self.wfile.flush()
        if hard:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.close_connection = True

    def forward(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", upstream)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        reply = connection.getresponse()
        data = reply.read()
        headers = [(n, v) for n, v in reply.getheaders() if n.lower() not in ("transfer-encoding", "connection", "content-length")]
        size = reply.getheader("Content-Length") if self.command == "HEAD" else len(data)
        connection.close()
        return reply.status, headers, data, size

    def handle_request(self):
        began = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_"):
            return self.control(body)
        with lock:
            bodies.append(f"{self.command} {self.path} {(time.monotonic() - began) * 1000:.0f}")
        fault, value = self.find_fault()
        if fault == "hang":
            time.sleep(float(value or 30))
            return self.drop(True)
        if fault == "delay":
            time.sleep(float(value) / 1000)
        if fault in ("status", "error200", "echo"):
            code, _, name = value.partition(":")
            message = "; ".join(f"{n}: {v}" for n, v in self.headers.items() if n.lower().startswith("x-amz")) if fault == "echo" else "made by the proxy"
            data = error_body(name or "InternalError", message)
            return self.answer(200 if fault == "error200" else int(code or 403), [("Content-Length", str(len(data)))], data)
        status, headers, data, size = self.forward(body)
        if fault == "lost":
            return self.drop(True)
        if fault == "corrupt":
            at = len(data) // 2
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        if fault == "short":
            data = data[:len(data) // 2]
            size = len(data)
        if fault == "shift":
            headers = [(n, re.sub(r"\d+-\d+", "1-%d" % len(data), v) if n.lower() == "content-range" else v) for n, v in headers]
        if fault == "whole":
            status, data, size = 200, data * 2, 2 * len(data)
        if size is not None:
            headers.append(("Content-Length", str(size)))
        if fault in ("reset", "truncate"):
            self.answer(status, headers, data[:len(data) // 2])
            return self.drop(fault == "reset")
        self.answer(status, headers, data)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
