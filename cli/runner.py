"""`tunesmith runner`: starts trainers for a server that may come and go."""

import os
import sys

from cli.output import one_sentence
from cli.train import DataDir
from core.home import Home
from core.spawn import PROJECT_ROOT


def runner(data_dir: DataDir = None) -> None:
    """Start trainers outside of the server, so that a restart of its service leaves them alone. See Operations."""
    with one_sentence():
        home = Home.locate(data_dir)
        home.prepare()
        # It runs for months: everything that the command line has loaded is left behind.
        os.chdir(PROJECT_ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "core.runner", str(home.path)])
