"""The three ways on from the datasets: upload, train, import conversations."""

from storage.rows import Kind
from ui import routes
from ui.components.text import Text, box, emoji
from ui.kinds import UPLOADED_AS, UPLOADS, WORDS
from ui.texts import say


def quick_actions(kind: Kind) -> None:
    words = WORDS[kind]
    uploaded = UPLOADED_AS.get(kind, kind)
    teaches = (
        "Supervised learning" if uploaded is Kind.SUPERVISED else say("{kind} learning", kind=say(WORDS[uploaded].tab))
    )
    flow = "Input → Output pairs" if uploaded is Kind.SUPERVISED else UPLOADS[uploaded].card_text
    objective = words.objective or WORDS[uploaded].objective
    with box("ts-quick", "nav", label="Quick actions"):
        _action("📁", "folder", UPLOADS[uploaded].card_title, flow, routes.dataset_upload(uploaded))
        _action("💻", "laptop", "Start Training Job", teaches, routes.wizard(objective=str(objective)))
        _action("🔄", "turn", "Import from Conversations", "ChatGPT, Claude, logs", routes.CONVERSATIONS)


def _action(character: str, name: str, title: str, text: str, href: str) -> None:
    with box("ts-quick-action", "a").props(f"href={href}"):
        emoji(character, name)
        with box("ts-quick-text", "span"):
            Text("span", title, "ts-strong")
            Text("span", text, "ts-sub")
