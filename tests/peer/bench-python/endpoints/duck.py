import json
from collections.abc import Generator, Mapping

from werkzeug import Request, Response

from dify_plugin import Endpoint


class DuckEndpoint(Endpoint):
    def _invoke(self, r: Request, values: Mapping, settings: Mapping) -> Response:
        def stream() -> Generator[str, None, None]:
            events = self.session.app.chat.invoke(
                app_id=values["app_id"], query="quack", inputs={}, response_mode="streaming"
            )
            for event in events:
                yield json.dumps(event, separators=(",", ":"), ensure_ascii=False) + " <br>"

        return Response(stream(), status=200, content_type="text/html")
