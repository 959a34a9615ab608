from collections.abc import Generator, Mapping

from werkzeug import Request, Response

from dify_plugin import Endpoint


class PiecesEndpoint(Endpoint):
    def _invoke(self, r: Request, values: Mapping, settings: Mapping) -> Response:
        def pieces() -> Generator[str, None, None]:
            yield "one "
            yield "two "
            yield "three"

        return Response(pieces(), status=200, content_type="text/plain")
