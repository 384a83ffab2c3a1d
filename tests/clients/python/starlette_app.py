"""A Starlette app with another one mounted in it."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route


async def item(request: Request) -> Response:
    """200, or 503 for number 13."""
    return Response(status_code=503 if request.path_params["number"] == "13" else 200)


shop = Starlette(routes=[Route("/items/{number}", item), Route("/users/{number}", item)])
app = Starlette(routes=[Mount("/shop", shop), Route("/plain/{number}", item)])

if __name__ == "__main__":
    config = uvicorn.Config(app, port=int(sys.argv[1]), log_level="warning")
    print("ready", flush=True)
    uvicorn.Server(config).run()
