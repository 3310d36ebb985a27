"""Every code a row can get: how grave it is, what it means, and what to do. One line each; docs list them."""

from dataclasses import dataclass

from core.formats.problems import Level


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding."""

    level: Level
    title: str
    fix: str


_E, _W = Level.ERROR, Level.WARNING

CODES: dict[str, Code] = {
    "not_json": Code(_E, "Not JSON", "Mend the line or remove the row."),
    "not_object": Code(_E, "Not an object with keys and values", 'Write each row as {"key": value}.'),
    "duplicate_keys": Code(_E, "The same key twice", "Keep one of them; readers differ in which they take."),
    "nan_or_inf": Code(_E, "NaN or Infinity", "JSON has no such numbers; write null or a text."),
    "too_deep": Code(_E, "Nested too deeply", "Flatten the row."),
    "line_too_long": Code(_E, "The line is too long for an example", "Split it into several examples."),
    "not_utf8": Code(_E, "Bytes that are not UTF-8", "Save the file as UTF-8."),
    "surrogate": Code(_E, "Half a character (a lone surrogate)", "Mend the text; it cannot be written as UTF-8."),
    "missing_columns": Code(
        _E, "Columns are missing", "Give the row the columns that the others have, or map the columns anew."
    ),
    "extra_cells": Code(_E, "More cells than columns", "A delimiter inside a cell needs quotes around the cell."),
    "number_too_large": Code(_E, "A number too large to keep", "Write it as a text."),
    "mixed_formats": Code(_E, "Another format than the other rows", "Keep one format in a file."),
    "missing_messages": Code(_E, "No list of messages", 'Give the row a "messages" list.'),
    "empty_messages": Code(_E, "The list of messages is empty", "Fill it or remove the row."),
    "bad_message": Code(_E, "A message without role or content", 'Give each message a "role" and a "content".'),
    "bad_role": Code(_E, "An unknown role", "Use system, developer, user, assistant or tool."),
    "bad_content": Code(
        _E, "Content that is not text", "Only text can be trained on; remove images, audio and other parts."
    ),
    "empty_content": Code(_E, "An empty message", "Fill it or remove the row."),
    "no_assistant": Code(_E, "No answer to learn from", "End the conversation with the assistant's answer."),
    "no_user": Code(_E, "No question", "Add the user's message before the answer."),
    "last_not_assistant": Code(
        _E, "The last message is not the assistant's", "Add the answer, or remove what comes after it."
    ),
    "last_is_assistant": Code(
        _E, "The last message is the assistant's already", "A prompt for reinforcement ends with the user."
    ),
    "weight_not_0_1": Code(_E, "A weight other than 0 or 1", "Use 1 to learn an answer, 0 to leave it out."),
    "weight_on_non_assistant": Code(
        _E, "A weight on a message that is not the assistant's", "Remove it; only answers are learned."
    ),
    "all_weights_zero": Code(_E, "Every answer has the weight 0", "Leave one answer to be learned."),
    "tool_call_invalid": Code(_E, "A tool call without id, name or arguments", "Write it as OpenAI does."),
    "tool_call_args_not_json": Code(
        _E, "Tool arguments that are not JSON", "Write the arguments as a JSON object in a text."
    ),
    "tool_call_id_unmatched": Code(
        _E, "A tool answer that belongs to no call", "Give it the tool_call_id of the call before it."
    ),
    "tool_not_in_tools": Code(_E, "A call of a tool that is not described", 'Describe the tool in "tools".'),
    "tools_invalid": Code(_E, "A tool description that cannot be read", "Write tools as JSON Schema functions."),
    "not_one_answer": Code(_E, "Not exactly one answer on each side", "Give one chosen and one rejected answer."),
    "chosen_equals_rejected": Code(_E, "Chosen and rejected are the same", "Make them differ or remove the row."),
    "label_not_boolean": Code(_E, "A label that is not true or false", "Write true for wanted, false for unwanted."),
    "no_item": Code(_E, "No column to grade against", "Keep at least one column beside the prompt."),
    "content_null_without_tool_calls": Code(_E, "No content and no tool calls", "Fill the message or remove the row."),
    "system_not_first": Code(
        _W, "A system message that is not the first", "Many templates refuse it; move it to the start."
    ),
    "first_role_assistant": Code(
        _W, "The conversation begins with the assistant", "Many templates expect the user first."
    ),
    "consecutive_same_role": Code(_W, "Two messages of one role in a row", "Many templates refuse it; join them."),
    "special_token": Code(
        _W, "A control token of a chat template in the text", "Remove it: a model reads it as the end of a message."
    ),
    "encoding_damage": Code(_W, "Text that was decoded wrongly once (Ã¤, �)", "Mend the encoding at the source."),
    "formula_cell": Code(_W, "A spreadsheet formula", "Export values instead of formulas."),
    "blank_line": Code(_W, "A blank line", "Nothing is lost; it is skipped."),
    "very_short": Code(_W, "An answer of a character or two", "Check that it is what you want to teach."),
    "duplicate": Code(_W, "The same example again", "Remove the copies: they count twice."),
    "near_duplicate": Code(_W, "Almost the same example again", "Keep the better one."),
    "leak_into_eval": Code(
        _W, "Also in the evaluation examples", "Move it out of training, or the evaluation proves nothing."
    ),
    "pii_suspected": Code(_W, "Personal data (email, phone, card)", "Remove or anonymise it: a model can repeat it."),
    "secret_suspected": Code(_W, "A key or password", "Remove it and revoke the key: a model can repeat it."),
    "over_context": Code(_W, "Longer than the model reads", "Raise the max context length or shorten the row."),
    "trains_nothing": Code(
        _E, "Nothing of the answer fits into the context", "Shorten the prompt or raise the max context length."
    ),
    "template_refuses": Code(
        _E, "The model's chat template refuses the row", "Mend the order of roles, or choose another model."
    ),
}
