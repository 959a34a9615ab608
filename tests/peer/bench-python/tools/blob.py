from collections.abc import Generator

from dify_plugin import Tool
from dify_plugin.entities.tool import ToolInvokeMessage

SIZE = 1 << 20
# Byte i is i % 251, so a piece that is lost, doubled or out of place shows.
PATTERN = bytes(range(251)) * (SIZE // 251 + 1)


class BlobTool(Tool):
    def _invoke(self, tool_parameters: dict) -> Generator[ToolInvokeMessage, None, None]:
        yield self.create_blob_message(
            PATTERN[:SIZE], meta={"mime_type": "application/octet-stream", "filename": "big.bin"}
        )
