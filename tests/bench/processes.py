"""What a worker's process may do to its jobs; without torch, so that it starts at once."""

import os
import time
from multiprocessing.connection import Connection


def serve(connection: Connection) -> None:
    """Give one row, then do what the name of the case says."""
    while True:
        job = connection.recv()
        connection.send({"case": f"{job.case} training {job.mode}", "implementation": "hepexp", "per_second": 2.0})
        if job.case == "hangs":
            time.sleep(60)
        if job.case == "dies":
            os._exit(3)
        connection.send(None)
