from collections.abc import Mapping

from werkzeug import Request, Response

from dify_plugin import Endpoint


class FixedEndpoint(Endpoint):
    def _invoke(self, r: Request, values: Mapping, settings: Mapping) -> Response:
        return Response("fixed body", status=201, headers={"X-One": "1"}, content_type="text/plain")
