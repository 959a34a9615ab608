from collections.abc import Generator

from dify_plugin import Tool
from dify_plugin.entities.tool import ToolInvokeMessage


class RelayTool(Tool):
    def _invoke(self, tool_parameters: dict) -> Generator[ToolInvokeMessage, None, None]:
        events = self.session.app.chat.invoke(
            app_id="app-1", query=tool_parameters["text"], inputs={}, response_mode="streaming"
        )
        for event in events:
            if "answer" in event:
                yield self.create_text_message(event["answer"])
