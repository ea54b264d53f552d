"""Kernel logs as records and tables, by the program kanalyze that comes with this package.

>>> import kanalyze
>>> [report["title"] for report in kanalyze.parse(b"[    1.0] BUG: KASAN: use-after-free in widget_put+0x1/0x2\\n")]
['KASAN: use-after-free in widget_put']
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Dict, IO, Iterable, Iterator, List, Optional, Sequence, Union

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Error", "Failed", "Missing", "binary", "logs", "parse", "schema", "table"]

Path = Union[str, "os.PathLike[str]"]

# So many names fit into a command line; longer lists go through a pipe.
_ARGUMENTS = 4096


class Error(Exception):
    """What goes wrong in this package."""


class Missing(Error):
    """The program, or pyarrow, is not there."""


class Failed(Error):
    """The program says that it failed.

    status: its exit status, negative for the number of the signal that ended it.
    words: what it wrote on standard error.
    records: what `parse` read all the same.
    """

    def __init__(self, status: int, words: str, records: Sequence[Dict[str, Any]] = ()) -> None:
        self.status = status
        self.words = words.strip()
        self.records = list(records)
        super().__init__(self.words or f"kanalyze ended with status {status}")


def binary() -> str:
    """The path of the program: the one that the variable KANALYZE names, the one of this installation, or one on the PATH.

    Raises Missing if there is none.
    """
    named = os.environ.get("KANALYZE")
    if named:
        return named
    name = "kanalyze" + (sysconfig.get_config_var("EXE") or "")
    here = os.path.dirname(os.path.abspath(__file__))
    folders = [
        sysconfig.get_path("scripts"),
        os.path.dirname(sys.executable),
        # `pip install --target` and `--prefix` put the program beside or above the package.
        os.path.join(os.path.dirname(here), "bin"),
        os.path.join(here, "..", "..", "..", "..", "bin"),
    ]
    for folder in folders:
        path = os.path.normpath(os.path.join(folder, name))
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    found = shutil.which(name)
    if found is None:
        raise Missing("the program kanalyze is not here: install the wheel anew, or name it in the variable KANALYZE")
    return found


def parse(
    logs: Union[bytes, Path, Iterable[Path]], *, events: bool = False, options: Sequence[str] = ()
) -> List[Dict[str, Any]]:
    """The reports of logs, with `events` also the notable lines that are not crashes, as `kanalyze parse` prints them.

    logs: the bytes of one log, or paths of logs, folders and globs.
    options: further arguments of `kanalyze parse`.

    Raises Failed if a log cannot be read; its `records` hold those of the others.
    """
    command = [binary(), "parse", "--format", "jsonl", *(["--all"] if events else []), *options]
    given = bytes(logs) if isinstance(logs, (bytes, bytearray, memoryview)) else None
    command += ["-"] if given is not None else ["--", *_paths(logs)]
    done = subprocess.run(command, input=given, stdin=None if given is not None else subprocess.DEVNULL, capture_output=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    # 0: nothing found, 1: something found.
    if done.returncode not in (0, 1):
        raise Failed(done.returncode, done.stderr.decode("utf-8", "replace"), records)
    return records


def table(logs: Union[Path, Iterable[Path]], *, threads: int = 0, options: Sequence[str] = ()) -> "pyarrow.Table":
    """A table with a row for each log, report and event; `kanalyze table --columns` says what the columns mean.

    logs: paths of logs, folders and globs; of more than 4,096 names each is a file.
    threads: how many; 0 is one per processor.
    options: further arguments of `kanalyze table`.

    Raises Failed if the program fails. A log that cannot be read is a row.
    """
    pa = _pyarrow()
    paths = _paths(logs)
    command = [binary(), "table", "--to", "arrow", "-j", str(threads), *options]
    if len(paths) <= _ARGUMENTS:
        batches = list(_streamed(pa, [*command, "--", *paths], None))
    else:
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        batches = list(_streamed(pa, [*command, "--files-from", "-"], lambda pipe: pipe.write(names)))
    return pa.Table.from_batches(batches, schema("arrow"))


def logs(
    batches: Iterable["pyarrow.RecordBatch"], *, threads: int = 1, options: Sequence[str] = ()
) -> Iterator["pyarrow.RecordBatch"]:
    """The rows of logs that come in batches.

    batches: with the columns `path` (or `log`), the name of a log, and `content`, its bytes, packed or not. Without `content` the
        file of that name is read. Further columns stand behind the columns of each row, which are those of `schema("arrow")`.
    threads: how many; an engine that runs a task per processor wants one.
    options: further arguments of `kanalyze table`.

    One process reads all batches. Raises Failed if it fails, and whatever `batches` raises. A log that cannot be read is a row.
    """
    pa = _pyarrow()

    def feed(pipe: IO[bytes]) -> None:
        source = iter(batches)
        first = next(source, None)
        columns = pa.schema([("path", pa.string()), ("content", pa.binary())]) if first is None else first.schema
        with pa.ipc.new_stream(pipe, columns) as writer:
            while first is not None:
                writer.write_batch(first)
                first = next(source, None)

    command = [binary(), "table", "--from", "arrow", "--to", "arrow", "-j", str(threads), *options]
    return _streamed(pa, command, feed)


def schema(flavour: str = "arrow", passed: Optional["pyarrow.Schema"] = None) -> Any:
    """The columns of rows: for "arrow" a pyarrow.Schema, for "spark" a pyspark.sql.types.StructType.

    passed: further columns that pass through `logs`.
    """
    pa = _pyarrow()
    fields = list(_columns(binary()))
    columns = pa.schema(fields + list(passed or []))
    if flavour == "arrow":
        return columns
    if flavour == "spark":
        from pyspark.sql.pandas.types import from_arrow_schema

        return from_arrow_schema(columns)
    raise ValueError(f'schema: "{flavour}" is not a flavour; it is "arrow" or "spark"')


@functools.lru_cache(maxsize=None)
def _columns(program: str) -> "pyarrow.Schema":
    pa = _pyarrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("path", pa.string())])):
        pass
    command = [program, "table", "--from", "arrow", "--to", "arrow"]
    done = subprocess.run(command, input=sink.getvalue().to_pybytes(), capture_output=True)
    if done.returncode != 0:
        raise Failed(done.returncode, done.stderr.decode("utf-8", "replace"))
    return pa.ipc.open_stream(done.stdout).schema


def _paths(logs: Any) -> List[str]:
    one = isinstance(logs, (str, os.PathLike))
    paths = [os.fspath(path) for path in ([logs] if one else logs)]
    if not paths:
        raise ValueError("no log is named")
    return paths


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise Missing("this needs pyarrow: pip install 'kanalyze[arrow]'") from error
    return pyarrow


def _streamed(pa: Any, command: Sequence[str], feed: Any) -> Iterator["pyarrow.RecordBatch"]:
    """Runs the program, feeds it from a thread, yields what it writes; it does not outlive the generator."""
    failures: List[BaseException] = []
    with tempfile.TemporaryFile() as words:
        stdin = subprocess.DEVNULL if feed is None else subprocess.PIPE
        process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=words)

        def feeding() -> None:
            assert process.stdin is not None
            try:
                with process.stdin:
                    feed(process.stdin)
            except BrokenPipeError:
                pass  # It has ended; its status says why.
            except BaseException as error:  # pylint: disable=broad-except
                failures.append(error)
                process.kill()

        feeder = None if feed is None else threading.Thread(target=feeding, daemon=True)
        if feeder is not None:
            feeder.start()
        assert process.stdout is not None
        torn: Optional[BaseException] = None
        try:
            with process.stdout:
                # Buffered: pyarrow takes a short read of a pipe for the end.
                try:
                    with pa.ipc.open_stream(process.stdout) as reader:
                        yield from reader
                except (pa.ArrowInvalid, OSError) as error:
                    torn = error
        except GeneratorExit:
            process.kill()
            raise
        finally:
            status = process.wait()
            if feeder is not None:
                feeder.join()
        if failures:
            raise failures[0]
        if status != 0 or torn is not None:
            words.seek(0)
            raise Failed(status, words.read().decode("utf-8", "replace")) from torn
