"""How to ask a deployment from elsewhere: its address, and programs to copy."""

import json

from ui.components.copy_button import copy_button, copyable
from ui.components.text import Text, box, heading
from ui.texts import say

QUESTION = "Hello! What can you do?"


def snippets(url: str, name: str) -> None:
    """`url` is the endpoint's, up to `/v1`."""
    with box("ts-card", "section", label="Endpoint").mark("endpoint"):
        heading("Endpoint", 2)
        copyable(url, "endpoint address")
        with box("ts-snippets"):
            for title, text in (("curl", curl(url, name)), ("openai-python", python(url, name))):
                with box("ts-stretch"):
                    Text("h3", title, "ts-snippet-title")
                    with box("ts-code"):
                        Text("pre", text, "ts-code-text").props("tabindex=0")
                        copy_button(text, say("{language} snippet", language=title))


def curl(url: str, name: str) -> str:
    body = {"model": name, "messages": [{"role": "user", "content": QUESTION}]}
    return f"curl {url}/chat/completions \\\n  -H 'Content-Type: application/json' \\\n  -d '{json.dumps(body)}'"


def python(url: str, name: str) -> str:
    return f"""from openai import OpenAI

client = OpenAI(base_url="{url}", api_key="none")
answer = client.chat.completions.create(
    model="{name}",
    messages=[{{"role": "user", "content": "{QUESTION}"}}],
)
print(answer.choices[0].message.content)"""
