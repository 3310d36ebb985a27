"""Tunesmith's composition root: wires the objects by hand, and the command line's entry. Defines no page.

tunesmith serve            the studio in a browser
tunesmith train FILE       the same without one
"""

import asyncio
import gc as collector
import ipaddress
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import typer

from cli.chat import chat
from cli.datasets import datasets
from cli.deployments import deploy, deployments
from cli.doctor import doctor
from cli.fields import fields
from cli.graders import graders
from cli.jobs import jobs
from cli.models import models
from cli.output import console, one_sentence
from cli.runner import runner
from cli.trackers import secrets, trackers
from cli.train import DataDir, train
from cli.upkeep import backup, gc, rebuild_index, restore
from core.errors import BadInput
from core.home import Home
from core.spare import SPARE_VARIABLE
from core.studio import Studio

#: What a browser on this machine may call us.
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
#: New objects until the youngest are looked at; such looks until the next generation's. An open page has some 17 000.
COLLECTED_AFTER = (10_000, 10, 10)

T = TypeVar("T")

main = typer.Typer(
    help="A fine-tuning studio for your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
main.command()(train)
main.command()(runner)
main.command()(doctor)
main.command()(fields)
main.command()(backup)
main.command()(restore)
main.command("rebuild-index")(rebuild_index)
main.command()(gc)
main.command()(deploy)
main.command()(chat)
main.add_typer(jobs, name="jobs")
main.add_typer(datasets, name="datasets")
main.add_typer(models, name="models")
main.add_typer(deployments, name="deployments")
main.add_typer(graders, name="graders")
main.add_typer(trackers, name="trackers")
main.add_typer(secrets, name="secrets")


@main.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to bind; loopback only until accounts exist.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    starter: Annotated[
        bool, typer.Option("--starter/--no-starter", help="Bring the starter model and dataset.")
    ] = True,
    data_dir: DataDir = None,
) -> None:
    """Serve the studio until Ctrl-C. Running trainings go on afterwards."""
    with one_sentence():
        _require_loopback(host)
        _require_free_port(host, port)
        home = Home.locate(data_dir)
        home.prepare()
        _serve(home, host, port, browser, starter)


def _serve(home: Home, host: str, port: int, browser: bool, starter: bool) -> None:
    # NiceGUI keeps its own small files beside ours instead of in the current folder; it reads this at import.
    os.environ["NICEGUI_STORAGE_PATH"] = str(home.path / "nicegui")
    from nicegui import Event, app, background_tasks, ui

    from api.app import PATH, endpoint
    from core.feed import FeedUpdate
    from ui import design
    from ui.guard import Guard
    from ui.pages import register_all
    from ui.signals import Signals

    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    signals = Signals(feed=Event[FeedUpdate](), jobs=Event[str](), deployments=Event[None]())
    loop: list[asyncio.AbstractEventLoop] = []

    def in_loop(emit: Callable[[T], None], value: T) -> None:
        # Rows change in the scheduler's thread; events are emitted in the loop.
        if loop:
            loop[0].call_soon_threadsafe(emit, value)

    studio = Studio(
        home,
        publish=signals.feed.emit,
        job_changed=partial(in_loop, signals.jobs.emit),
        deployments_changed=partial(in_loop, signals.deployments.emit),
        keeps_spare=wants_spare(),
    )
    studio.start(url)
    design.apply()
    register_all(studio, signals)
    app.mount(PATH, endpoint(studio))

    @app.on_startup
    async def start() -> None:
        loop.append(asyncio.get_running_loop())
        _spare_the_collector()
        background_tasks.create(studio.feed.run(), name="feed")
        if starter:
            background_tasks.create(asyncio.to_thread(studio.welcome), name="welcome")
        console.print(f"Tunesmith serves {home.path} on {url}", markup=False, soft_wrap=True)

    app.on_shutdown(lambda: _end(studio))
    app.add_middleware(Guard, allowed_hosts=LOOPBACK_NAMES, port=port)
    ui.run(
        host=host,
        favicon=design.FAVICON,
        port=port,
        title="Tunesmith",
        reload=False,
        show=browser,
        show_welcome_message=False,
        # At the default of 3 s a page that a busy machine starves reloads itself and loses its form.
        reconnect_timeout=30,
        timeout_graceful_shutdown=3,
        uvicorn_logging_level="warning",
    )


def _spare_the_collector() -> None:
    """What was imported stays, so the garbage collector need not look at it again, nor so often at open pages.

    With its own settings it held up every click for 0.2 to 2 s, every few seconds, while twenty pages were open."""
    collector.collect()
    collector.freeze()
    collector.set_threshold(*COLLECTED_AFTER)


def _end(studio: Studio) -> None:
    live = len(studio.runs.live())
    studio.stop()
    if live:
        console.print(f"{live} job{' goes' if live == 1 else 's go'} on without the studio, which finds them again.")


def wants_spare() -> bool:
    """Raises BadInput where the environment says what nobody understands."""
    asked = os.environ.get(SPARE_VARIABLE, "on")
    if asked not in ("on", "off"):
        raise BadInput(f"{SPARE_VARIABLE} is “{asked[:80]}”; set it to “on” or “off”, or leave it out (on).")
    return asked == "on"


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise BadInput(
            f"{host} is reachable from outside, and there are no accounts yet that would protect it. "
            "Serve on 127.0.0.1 and reach it through an SSH tunnel: ssh -L 8080:127.0.0.1:8080 this-machine."
        )


def _require_free_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Stop what uses it, or choose another: tunesmith serve --port {port % 65535 + 1}."
            ) from error


if __name__ == "__main__":
    main()
