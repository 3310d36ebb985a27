"""How fast the jobs list answers with very many jobs: 100 000 finished and 1 000 queued, in a temporary folder.

.venv/bin/python benchmarks/jobs_list.py [--finished 100000] [--queued 1000] [--rounds 40]
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage import jobs, leases
from storage.database import Database
from storage.jobs import Query
from storage.spec import Objective
from storage.status import Status
from storage.tables import Job

WORDS = ("refund", "tone", "legal", "triage", "summary", "invoice", "poem", "code")
ACTOR = Actor("benchmark", "benchmark@localhost")
RARE = "zebra"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--finished", type=int, default=100_000)
    arguments.add_argument("--queued", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=40)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        studio = Studio(home)
        studio.open()
        began = time.perf_counter()
        seed(Database(home.database), asked.finished, asked.queued)
        size = home.database.stat().st_size / 1e6
        print(f"{asked.finished + asked.queued} rows in {time.perf_counter() - began:.1f} s, {size:.0f} MB")
        measure(studio, asked.finished + asked.queued, asked.rounds)
        studio.close()
        began = time.perf_counter()
        studio = Studio(home)
        studio.open()
        print(f"{'open with quick_check':40} {1000 * (time.perf_counter() - began):9.1f} ms")
        studio.close()


def seed(database: Database, finished: int, queued: int) -> None:
    with database.write() as session:
        for job in rows(finished, queued):
            jobs.add(session, job)
    database.close()


def rows(finished: int, queued: int) -> Iterator[Job]:
    chance = random.Random(0)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(finished + queued):
        name = f"{chance.choice(WORDS)}-{number:06}" + (f" {RARE}" if number % 20_000 == 7 else "")
        over = number < finished
        person = chance.choice(("alice", "bob", "carol", "dave"))
        yield Job(
            id="".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=13)),
            objective=Objective.SFT,
            method="lora",
            display_name=name,
            output_name=f"ft-{number}",
            model_id="smollm2-135m",
            model_name="SmolLM2-135M-Instruct",
            dataset_id=f"ds-{number % 50}",
            dataset_name=f"{chance.choice(WORDS)} examples {number % 50}",
            created_by_name=person,
            created_by_email=f"{person}@example.org",
            created_at=start + timedelta(minutes=number),
            status=chance.choice((Status.COMPLETED, Status.FAILED, Status.CANCELLED)) if over else Status.QUEUED,
            place=float(number),
        )


def measure(studio: Studio, total: int, rounds: int) -> None:
    last = total // 25
    questions = {
        "list, page 1": Query(),
        f"list, page {last}": Query(page=last),
        f"search rare word “{RARE}”": Query(search=RARE),
        "search common word “refund”": Query(search="refund"),
        "search everywhere “example.org”": Query(search="example.org"),
        "search two words “refund alice”": Query(search="refund alice"),
        "search two characters “99”": Query(search="99"),
        "two characters without a match": Query(search="#§"),
        "two characters that few rows have": Query(search="zq"),
        "search without a match": Query(search="nowhere"),
        "status completed": Query(status=Status.COMPLETED),
        "status running (none)": Query(status=Status.RUNNING),
        "status failed, page 1000": Query(status=Status.FAILED, page=1000),
        "status queued and “legal”": Query(status=Status.QUEUED, search="legal"),
    }
    print(f"{'':40} {'p50':>9} {'p95':>9}    found")
    for name, query in questions.items():
        say(name, rounds, lambda query=query: studio.runs.search(query), studio.runs.search(query).total)
    for words in ("", RARE, "refund", "refund alice", "refund zebra", "refund 99", "99", "#§", "nowhere"):
        ask = partial(studio.finder.find, words, actor=ACTOR)
        say(f"the palette, “{words}”", rounds, ask, len(ask()))
    say("the queue, as it is read for every claim", rounds, lambda: line(studio.home), 1)
    began = time.perf_counter()
    count = studio.runs.cancel_all(Query(status=Status.QUEUED), actor=ACTOR)
    print(f"{'cancel-all of the queued':40} {1000 * (time.perf_counter() - began):9.1f} ms for {count}")


def line(home: Home) -> None:
    """On a connection of its own, so the figure holds opening the file too."""
    database = Database(home.database)
    with database.read() as session:
        assert leases.line(session).waiting
    database.close()


def say(name: str, rounds: int, work: Callable[[], object], found: int) -> None:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"{name:40} {statistics.median(times):6.1f} ms {p95:6.1f} ms {found:8}")


if __name__ == "__main__":
    main()
