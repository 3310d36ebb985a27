"""A sentence with values in it that can still be translated: it reads as English, and remembers how it was made.

Errors and reasons are made here in core and shown by pages; who only reads English (the command line, the API, a log)
sees a text like any other. What is stored is stored in English.
"""

from collections.abc import Callable, Iterable, Mapping

#: Which of a template's forms a count takes.
Plural = Callable[[int], int]


class Sentence(str):
    """`Sentence("{count} row is empty. | {count} rows are empty.", count=3)`. Without values the text is as it is."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> "Sentence":
        made = super().__new__(cls, filled(template, values))
        made.template, made.values = template, values
        return made


def english(count: int) -> int:
    return 0 if count == 1 else 1


def filled(template: str, values: Mapping[str, object], plural: Plural = english) -> str:
    """The template with its values; of several forms, divided by ` | `, the one for the value named `count`."""
    if not values:
        return template
    count = values.get("count")
    if isinstance(count, int) and " | " in template:
        forms = template.split(" | ")
        template = forms[min(plural(count), len(forms) - 1)]
    return template.format_map(values)


def together(sentences: Iterable[str]) -> str:
    """One after the other."""
    first, *others = sentences
    return Sentence("{first} {then}", first=first, then=together(others)) if others else first
