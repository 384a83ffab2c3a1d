"""A Tornado app."""

import sys

import tornado.ioloop
import tornado.web


class ItemHandler(tornado.web.RequestHandler):
    """One item."""

    def get(self, number: str) -> None:
        """Answer 200, or 503 for number 13."""
        self.set_status(503 if number == "13" else 200)


tornado.web.Application([(r"/shop/items/([^/]+)", ItemHandler)]).listen(
    int(sys.argv[1]), "127.0.0.1"
)
print("ready", flush=True)
tornado.ioloop.IOLoop.current().start()
