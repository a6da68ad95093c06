"""A server that counts its requests, in a thread each."""
import http.server
import itertools
import sys

numbers = itertools.count(1)


class Count(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(next(numbers)).encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Count).serve_forever()
