"""Tool descriptions in the forms people have: OpenAI's, the older `functions`, ShareGPT's text."""

import json

from core.formats.problems import RowProblem
from storage.rows import Content


def read_tools(row: Content) -> list[Content]:
    """The row's tools in OpenAI's form; an empty list where it has none."""
    tools = row.get("tools") or row.get("functions")
    if isinstance(tools, str) and tools.strip():
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError) as error:
            raise RowProblem("tools_invalid", f"“tools” is a text that is not JSON: {error}.") from error
    if not tools:
        return []
    if not isinstance(tools, list):
        raise RowProblem("tools_invalid", "“tools” is not a list.")
    return [_read(tool) for tool in tools]


def with_tools(content: Content, row: Content) -> Content:
    """`content`, and the row's tools where it has some."""
    tools = read_tools(row)
    return content | {"tools": tools} if tools else content


def _read(tool: object) -> Content:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RowProblem("tools_invalid", "A tool has no name.")
    if not isinstance(function.get("parameters", {}), dict | None):
        raise RowProblem(
            "tools_invalid", f"The parameters of the tool {function['name']} are not a JSON Schema object."
        )
    return {"type": "function", "function": function}
