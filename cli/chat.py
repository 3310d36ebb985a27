"""`tunesmith chat NAME`: a conversation with whatever answers to a name, through the studio that serves."""

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import typer

from cli.output import console, errors, fail, one_sentence
from cli.train import DataDir
from core.errors import BadInput, StudioError
from core.home import Home
from core.serving.conversation import message_of, text_of

#: A first load may convert a model.
TIMEOUT = httpx.Timeout(600, connect=5)


def chat(
    name: Annotated[str, typer.Argument(help="A deployment, or anything else that the endpoint lists.")],
    system: Annotated[str, typer.Option(help="What the model is told before the conversation.")] = "",
    temperature: Annotated[float, typer.Option(min=0, max=2)] = 0.7,
    max_tokens: Annotated[int, typer.Option(min=1)] = 512,
    data_dir: DataDir = None,
) -> None:
    """Talk to a deployment. An empty line or Ctrl-D ends; Ctrl-C stops an answer."""
    with one_sentence():
        url = Home.locate(data_dir).server_url()
        if not url:
            raise BadInput("No studio serves this data folder, so nobody answers. Start one with: tunesmith serve")
        messages = [{"role": "system", "content": system}] if system else []
        if sys.stdin.isatty():
            console.print(f"{name} at {url}/v1. An empty line ends.", markup=False, highlight=False)
        asked = {"model": name, "temperature": temperature, "max_tokens": max_tokens, "stream": True}
        while said := _question():
            messages.append({"role": "user", "content": said})
            messages.append({"role": "assistant", "content": _say(url, {**asked, "messages": messages})})


def _question() -> str:
    if sys.stdin.isatty():
        sys.stdout.write("› ")
        sys.stdout.flush()
    try:
        return sys.stdin.readline().strip()
    except KeyboardInterrupt:
        return ""


def _say(url: str, asked: dict[str, Any]) -> str:
    """Writes the answer while it comes; the whole of it, or as far as it came."""
    parts = []
    try:
        for part in _parts(url, asked):
            parts.append(part)
            sys.stdout.write(part)
            sys.stdout.flush()
    except KeyboardInterrupt:
        errors.print("(stopped)", style="dim")
    except httpx.HTTPError as error:
        fail(f"The studio at {url} went away while it answered ({error}).")
    sys.stdout.write("\n")
    sys.stdout.flush()
    return "".join(parts)


def _parts(url: str, asked: dict[str, Any]) -> Iterator[str]:
    """Raises StudioError with what the endpoint has against it."""
    with (
        httpx.Client(timeout=TIMEOUT, trust_env=False) as client,
        client.stream("POST", f"{url}/v1/chat/completions", json=asked) as answer,
    ):
        if answer.is_error:
            answer.read()
            raise StudioError(message_of(answer.json()))
        for line in answer.iter_lines():
            yield text_of(line)
