from collections.abc import Generator

from dify_plugin import Tool
from dify_plugin.entities.provider_config import LogMetadata
from dify_plugin.entities.tool import ToolInvokeMessage

Type = ToolInvokeMessage.MessageType
Status = ToolInvokeMessage.LogMessage.LogStatus
Resource = ToolInvokeMessage.RetrieverResourceMessage.RetrieverResource


class KindsTool(Tool):
    def _invoke(self, tool_parameters: dict) -> Generator[ToolInvokeMessage, None, None]:
        yield self.create_text_message("plain <b>text</b> & more, é 鴨 🦆")
        yield self.create_json_message({"word": "duck", "count": 3, "ratio": 0.5, "none": None, "inner": {"yes": True}})
        yield self.create_json_message([1, "two", {"three": 3}])
        yield self.create_link_message("https://example.com/page")
        yield self.create_image_message("https://example.com/image.png")
        # The SDK has no constructor for the next one and for `file`.
        yield ToolInvokeMessage(
            type=Type.IMAGE_LINK,
            message=ToolInvokeMessage.TextMessage(text="https://example.com/linked.png"),
        )
        yield self.create_variable_message("answer", {"value": 42, "list": [1, 2]})
        yield self.create_stream_variable_message("story", "once ")
        yield self.create_stream_variable_message("story", "upon a time")

        parent = self.create_log_message("outer", {"step": 1}, status=Status.START)
        yield parent
        child = self.create_log_message("inner", {"step": 2}, status=Status.START, parent=parent)
        yield child
        yield self.finish_log_message(child, status=Status.ERROR, error="inner went wrong", data={"step": 3})
        yield self.finish_log_message(
            parent,
            metadata={
                LogMetadata.STARTED_AT: 1.5,
                LogMetadata.FINISHED_AT: 2.75,
                LogMetadata.ELAPSED_TIME: 1.25,
                LogMetadata.TOTAL_PRICE: 0.25,
                LogMetadata.TOTAL_TOKENS: 7,
                LogMetadata.PROVIDER: "bench",
                LogMetadata.CURRENCY: "USD",
            },
        )

        yield self.create_retriever_resource_message(
            [
                Resource(
                    position=1,
                    dataset_id="set-1",
                    dataset_name="Ponds",
                    document_id="doc-1",
                    document_name="Ducks",
                    data_source_type="file",
                    segment_id="seg-1",
                    retriever_from="bench",
                    score=0.75,
                    hit_count=2,
                    word_count=4,
                    segment_position=3,
                    index_node_hash="abc",
                    content="Ducks swim in ponds.",
                    page=5,
                    doc_metadata={"author": "Drake"},
                ),
                Resource(position=2, content="Second."),
            ],
            context="ponds and ducks",
        )
        yield ToolInvokeMessage(
            type=Type.FILE,
            message=None,
            meta={"file": {"url": "https://example.com/a.txt", "filename": "a.txt"}},
        )
        yield self.create_blob_message(b"small blob", meta={"mime_type": "text/plain", "filename": "small.txt"})
