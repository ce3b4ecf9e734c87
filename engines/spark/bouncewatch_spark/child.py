"""One bouncewatch process as an iterator of Arrow batches.

In: a command, and what goes to its standard input.
Out: the batches of the Arrow IPC stream on its standard output.
Never: ends quietly when the process did not; a short stream is an error.
"""

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pyarrow as pa

#: Bytes of standard error that go into the error message.
TOLD = 4096


class ChildFailed(RuntimeError):
    """The process ended with another exit status than 0, or could not be fed."""


def batches(command: list[str], feed: Callable[[BinaryIO], None] | None = None) -> Iterator[pa.RecordBatch]:
    """Runs `command` and yields its batches; `feed` writes its standard input.

    The feeder is a thread of its own: who writes all before reading any waits for ever once both pipes are full.
    Standard error goes to a file, since a pipe nobody reads is the same trap.
    """
    # A task has one core; Spark runs as many tasks as there are.
    environment = {"RAYON_NUM_THREADS": "1", **os.environ}
    with tempfile.TemporaryFile() as errors:
        stdin = subprocess.DEVNULL if feed is None else subprocess.PIPE
        with subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=errors) as child:
            feeder = Feeder(feed, child.stdin) if feed is not None else None
            try:
                try:
                    with pa.ipc.open_stream(child.stdout) as stream:
                        yield from stream
                    # What comes after the end of the stream is no ledger.
                    broken = "writes on after the end of its stream" if child.stdout.read(1) else None
                except (pa.ArrowInvalid, OSError) as error:
                    broken = str(error)
                status = child.wait()
                failure = feeder.join() if feeder is not None else None
            finally:
                # Who reads us may have stopped: then nobody wants the rest.
                child.kill()
        if status != 0 or failure is not None or broken is not None:
            why = failure or broken
            raise ChildFailed(f"{command}: exit status {status}: {last(errors)}" + (f" ({why})" if why else ""))


class Feeder:
    """Writes to a process until it is fed or has closed its end."""

    def __init__(self, feed: Callable[[BinaryIO], None], to: BinaryIO) -> None:
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self.run, args=(feed, to), daemon=True)
        self.thread.start()

    def run(self, feed: Callable[[BinaryIO], None], to: BinaryIO) -> None:
        try:
            with to:
                feed(to)
        except BrokenPipeError:
            # It ended before it had read all; its exit status says why.
            pass
        except BaseException as error:  # noqa: BLE001 -- whatever it is, the task must fail by it
            self.failure = error

    def join(self) -> BaseException | None:
        self.thread.join()
        return self.failure


def last(errors: BinaryIO) -> str:
    """The end of what the process wrote to standard error."""
    size = errors.seek(0, 2)
    errors.seek(max(0, size - TOLD))
    return errors.read().decode("utf-8", "replace").strip()
