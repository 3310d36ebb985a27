"""An upload that is an export: read once, whatever is restarted meanwhile."""

from exports import zipped_bytes

from core.conversations.children import read_in_child
from core.datasets.uploads import Upload
from core.studio import Studio


def uploaded(studio: Studio, data: bytes) -> Upload:
    upload = studio.uploads.create("chatgpt.zip", len(data), "me", is_export=True)
    with studio.uploads.receive(upload.id, "me", 0) as chunk:
        chunk.write(data)
    return studio.uploads.finish(upload.id, "me")


def test_a_restarted_studio_need_not_read_again(studio: Studio) -> None:
    upload = uploaded(studio, zipped_bytes())
    store = upload.path.parent.parent / "conversations"
    store.mkdir()
    read_in_child(upload.path, store, upload.name)
    assert studio.uploads.finished(upload.id).is_export
    reading = studio.conversations.read(upload)
    assert reading.overview
    assert studio.conversations.read(upload) is reading
    studio.conversations.discard(upload)
    assert list(studio.home.uploads.iterdir()) == []
