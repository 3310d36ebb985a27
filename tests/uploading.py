"""An upload as a browser makes it, for the page tier, whose simulated browser runs no JavaScript."""

from nicegui.testing import User

from ui.components.upload_zone import UploadZone


async def arrives(user: User, name: str, data: bytes) -> None:
    """`data` comes through the upload route, and the page's drop zone is told so."""
    made = await user.http_client.post("/uploads", json={"name": name, "size": len(data)})
    upload_id = made.json()["id"]
    assert (await user.http_client.put(f"/uploads/{upload_id}?offset=0", content=data)).status_code == 200
    assert (await user.http_client.post(f"/uploads/{upload_id}/finish")).status_code == 200
    user.find(UploadZone).trigger("uploaded", {"id": upload_id})
