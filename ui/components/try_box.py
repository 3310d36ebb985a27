"""A small conversation with a deployment, on its page: streamed, and stopped when one has enough."""

from contextlib import aclosing

from nicegui import ui

from core.errors import StudioError
from core.serving.conversation import Message, answer
from core.studio import Studio
from ui.components.button import Button
from ui.components.text import Text, box, heading
from ui.texts import say
from ui.threads import in_own_thread, in_thread

MOST_TOKENS = 512
#: What is kept of a conversation: the model's context is not endless.
MOST_MESSAGES = 20


class TryBox:
    def __init__(self, studio: Studio, name: str) -> None:
        self._studio = studio
        self._name = name
        self._messages: list[Message] = []
        self._is_writing = self._is_stopped = False
        with box("ts-card ts-chat", "section", label="Try it").mark("try-it"):
            heading("Try it", 2)
            self._said = box("ts-chat-said", label="Conversation").props("role=log tabindex=0")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("try-problem")
            with box("ts-chat-ask"):
                self._question = ui.textarea(placeholder=say("Ask {name}", name=name))
                self._question.props("outlined dense autogrow rows=1 maxlength=8000")
                self._question.props["aria-label"] = say("Ask {name}", name=name)
                self._question.classes("ts-input").mark("try-question")
                # Shift and Enter together begin a new line.
                self._question.on("keydown.enter.exact.prevent", self._ask, [])
                self._send = Button("", self._ask, kind="primary", icon="send", label="Send").mark("try-send")
                self._stop = Button("Stop", self._halt, icon="stop").mark("try-stop")
            self._clear = Button("Begin anew", self._begin_anew, kind="ghost").mark("try-clear")
        self._problem.visible = self._clear.visible = False
        self._rest()
        ui.context.client.on_delete(self._halt)

    async def _ask(self) -> None:
        question = (self._question.value or "").strip()
        if not question or self._is_writing:
            return
        self._question.value = ""
        self._is_writing, self._is_stopped = True, False
        self._problem.visible = False
        self._rest()
        self._messages = [*self._messages[-MOST_MESSAGES:], {"role": "user", "content": question}]
        self._add("user", question)
        reply = self._add("assistant", "…")
        said = await self._write(reply)
        self._is_writing = False
        if self._said.is_deleted:  # the page was left meanwhile
            return
        if said:
            self._messages.append({"role": "assistant", "content": said})
        self._rest()

    async def _write(self, reply: Text) -> str:
        """Shows the answer while it comes; the whole of it, or as far as it came."""
        said = ""
        try:
            actor = await in_thread(self._studio.people.actor)
            visit = await in_own_thread(self._studio.endpoint.enter, self._name, actor=actor)
            async with aclosing(answer(visit, self._name, self._messages, MOST_TOKENS)) as parts:
                async for part in parts:
                    if self._is_stopped or reply.is_deleted:
                        break
                    said += part
                    reply.text = said
        except StudioError as error:
            if not reply.is_deleted:
                self._problem.text, self._problem.visible = str(error), True
        if not reply.is_deleted:
            reply.text = said or "(nothing)"
        return said

    def _add(self, role: str, text: str) -> Text:
        tone = "out" if role == "assistant" else "in"
        with self._said, box(f"ts-message ts-message-{tone}"):
            Text("span", "You" if role == "user" else self._name, "ts-tag")
            return Text("p", text).mark(f"said-{role}")

    def _halt(self) -> None:
        self._is_stopped = True

    def _begin_anew(self) -> None:
        self._messages = []
        self._said.clear()
        self._problem.visible = False
        self._rest()

    def _rest(self) -> None:
        self._send.visible = not self._is_writing
        self._stop.visible = self._is_writing
        self._clear.visible = bool(self._messages) and not self._is_writing
