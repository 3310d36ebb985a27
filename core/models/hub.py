"""Models of the Hugging Face Hub: found by a process of its own; the web process only waits."""

from dataclasses import dataclass

from core.child import Child
from core.hub import MOST_FOUND, HubAccess

CHILD = "core.models.hub_child"
SEARCH_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HubModel:
    """`parameters` is 0 where the hub does not say."""

    id: str
    downloads: int
    likes: int
    is_gated: bool
    licence: str
    parameters: int


class ModelSearch:
    def __init__(self, access: HubAccess) -> None:
        self._access = access

    def find(self, words: str, limit: int = MOST_FOUND) -> list[HubModel]:
        """Language models with safetensors, the most used first. Raises StudioError where the hub does not answer."""
        request = {"do": "search", "words": words.strip()[:200], "limit": max(1, min(limit, MOST_FOUND))}
        told = Child(CHILD, request, self._access.environment()).result(SEARCH_S)
        return [HubModel(**found) for found in told["found"]]
