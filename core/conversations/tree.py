"""Conversations that branch: a message knows its parent, and a regenerated answer has siblings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.conversations.conversation import Turn

#: A conversation with more ways through it, or with longer ones all together, keeps the first of them.
MOST_PATHS = 200
MOST_STEPS = 200_000


@dataclass(frozen=True, slots=True)
class Node:
    """`turn` is None for a message that is not shown; what follows it is."""

    parent: str | None
    turn: Turn | None


def untangle(nodes: Mapping[str, Node], current: object) -> tuple[tuple[Turn, ...], tuple[tuple[int, ...], ...]]:
    """(turns, paths) of a tree. `current` is the last message that was shown; where it is not there, the newest is."""
    indexes: dict[str, int] = {}
    turns: list[Turn] = []
    for name, node in nodes.items():
        if node.turn is not None:
            indexes[name] = len(turns)
            turns.append(node.turn)
    paths: list[tuple[int, ...]] = []
    known: set[tuple[int, ...]] = set()
    steps = 0
    for leaf in _leaves(nodes, current):
        path = tuple(indexes[name] for name in _way(nodes, leaf) if name in indexes)
        steps += len(path)
        if len(paths) >= MOST_PATHS or steps > MOST_STEPS:
            break
        if path and path not in known:
            known.add(path)
            paths.append(path)
    return tuple(turns), tuple(paths)


def _leaves(nodes: Mapping[str, Node], current: object) -> Iterator[str]:
    """`current` first."""
    parents = {node.parent for node in nodes.values()}
    leaves = [name for name in nodes if name not in parents]
    if isinstance(current, str) and current in nodes:
        first = current
    elif leaves:
        first = leaves[-1]
    else:
        return  # every message follows another one: a circle
    yield first
    yield from (leaf for leaf in leaves if leaf != first)


def _way(nodes: Mapping[str, Node], leaf: str) -> list[str]:
    """From the first message to `leaf`."""
    way: list[str] = []
    seen: set[str] = set()
    name: str | None = leaf
    while name is not None and name in nodes and name not in seen:
        seen.add(name)
        way.append(name)
        name = nodes[name].parent
    return way[::-1]
