"""A standalone cluster of two workers on loopback reads what one process reads, also when its executors are killed.

    python3 tests/cluster.py --bouncewatch ../../target/release/bouncewatch [--records 20000] [--kill 5] [--measure]

Needs Java and pyspark; says so and ends well where they are not there.
"""

import argparse
import filecmp
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path

#: How the work is cut.
SPLITS, REDUCE = 8, 3
NOW = "2022-08-01T00:00:00Z"
HERE = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def checked(*words, **options) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"{words[:4]}: exit status {done.returncode}\n{done.stderr[-3000:]}{done.stdout[-2000:]}")
    return done.stdout


class Cluster:
    """A master and workers of one core each."""

    def __init__(self, folder: Path, workers: int) -> None:
        import pyspark

        self.home = Path(pyspark.__file__).parent
        self.folder, self.port, self.ui = folder, free_port(), free_port()
        self.url = f"spark://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_DIRS": str(folder / "local"),
            "SPARK_DAEMON_MEMORY": "384m",
        }
        self.processes: list[subprocess.Popen] = []
        self.start("master.Master", "--host", "127.0.0.1", "--port", self.port, "--webui-port", free_port())
        for n in range(workers):
            places = ("--webui-port", free_port(), "--work-dir", folder / f"worker{n}")
            self.start("worker.Worker", "--host", "127.0.0.1", "--cores", 1, "--memory", "2g", *places, self.url)

    def start(self, kind: str, *words) -> None:
        log = (self.folder / f"{kind}-{len(self.processes)}.log").open("w")
        command = [self.home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", *words]
        self.processes.append(
            subprocess.Popen([str(w) for w in command], env=self.environment, stdout=log, stderr=log, start_new_session=True)
        )

    def stop(self) -> None:
        for process in self.processes:
            with_children(process)

    def submit(self, script: Path, *words, modules: Path | None = None) -> subprocess.Popen:
        """The driver of a job, told apart from its executors."""
        self.ui = free_port()
        settings = {
            "spark.ui.port": self.ui,
            "spark.driver.host": "127.0.0.1",
            "spark.executor.memory": "700m",
            "spark.driver.memory": "700m",
            "spark.executor.cores": 1,
            # An executor killed on purpose is no reason to give up.
            "spark.task.maxFailures": 10,
            "spark.deploy.maxExecutorRetries": -1,
        }
        command = [self.home / "bin" / "spark-submit", "--master", self.url]
        command += [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
        command += ["--py-files", modules] if modules else []
        told = (self.folder / "driver.err").open("a")
        words = [str(w) for w in [*command, script, *words]]
        return subprocess.Popen(words, env=self.environment, stdout=subprocess.PIPE, stderr=told, text=True)

    def stages(self, status: str) -> list[dict]:
        """What the driver says of its stages."""
        base = f"http://127.0.0.1:{self.ui}/api/v1/applications"
        try:
            with urllib.request.urlopen(base, timeout=2) as answer:
                name = json.load(answer)[0]["id"]
            with urllib.request.urlopen(f"{base}/{name}/stages?status={status}", timeout=2) as answer:
                return json.load(answer)
        except (OSError, ValueError, IndexError):
            return []

    def executors(self) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words, cwd = (entry / "cmdline").read_bytes(), os.readlink(entry / "cwd")
            except OSError:
                # No process, gone meanwhile, or another's.
                continue
            # Its working folder is the worker's: other clusters on this machine are not ours to kill.
            mine = cwd.startswith(str(self.folder.resolve()))
            if mine and b"CoarseGrainedExecutorBackend" in words and b"java" in words.split(b"\0")[0]:
                found.append(int(entry.name))
        return sorted(found)


def with_children(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


@contextmanager
def cluster(workers: int):
    with tempfile.TemporaryDirectory(prefix="bouncewatch-spark-") as folder:
        made = Cluster(Path(folder), workers)
        try:
            yield made
        finally:
            made.stop()


class Job:
    """The ledger of a log, and the report of it."""

    def __init__(self, binary: Path, world: Path, folder: Path) -> None:
        self.binary, self.log, self.folder = binary, world / "coremail.jsonl", folder
        self.modules = Path(shutil.make_archive(str(folder / "modules"), "zip", HERE, "bouncewatch_spark"))
        self.main = folder / "main.py"
        self.main.write_text("from bouncewatch_spark.job import main\n\nmain()\n")
        self.split_mib = self.log.stat().st_size / SPLITS / (1 << 20)

    def alone(self) -> Path:
        return self.night(self.folder / "alone.db", self.log)

    def night(self, db: Path, *inputs) -> Path:
        """The nightly run, then its report again, which names no inputs."""
        words = ["--offline", "--db", db, "--reports", db.with_suffix(".n"), "--now", NOW]
        checked(self.binary, "run", *inputs, *words)
        checked(self.binary, "report", "--db", db, "--reports", db.with_suffix(".r"), "--now", NOW)
        return db.with_suffix(".r") / "latest"

    def start(self, on: Cluster, name: str, *more: str) -> subprocess.Popen:
        words = ["--out", self.folder / name, "--bouncewatch", self.binary, "--split-mib", self.split_mib]
        words += ["--reduce-tasks", REDUCE, "--manifest", self.folder / f"{name}.json", *more, self.log]
        return on.submit(self.main, *words, modules=self.modules)

    def end(self, driver: subprocess.Popen, on: Cluster, name: str) -> Path:
        out, _ = driver.communicate(timeout=900)
        if driver.returncode != 0:
            raise SystemExit(f"{name}: exit status {driver.returncode}\n{out}\n{(on.folder / 'driver.err').read_text()[-4000:]}")
        db = self.folder / f"{name}.db"
        words = [self.binary, "ledger", "import", self.folder / name / "ledger", "--db", db]
        words += ["--job-id", name, "--manifest", self.folder / f"{name}.json"]
        checked(*words)
        if "nothing was done" not in subprocess.run([str(w) for w in words], capture_output=True, text=True).stderr:
            raise SystemExit(f"{name}: a second import did not say that it did nothing")
        return self.night(db)


def same(one: Path, other: Path, what: str) -> None:
    names = sorted(p.name for p in one.iterdir())
    assert names == sorted(p.name for p in other.iterdir()), what
    _, wrong, errors = filecmp.cmpfiles(one, other, names, shallow=False)
    if wrong or errors:
        raise SystemExit(f"{what}: {wrong + errors} differ from the report of one process: {one} {other}")
    print(f"{what}: {len(names)} files of the report are the same", flush=True)


def kill_one(driver: subprocess.Popen, on: Cluster, reducing: bool) -> bool:
    """Kills an executor in the stage that reads, or in the one behind the shuffle; whether it was there in time."""
    while driver.poll() is None:
        for stage in on.stages("active"):
            # Told apart by their tasks, of which there are as many as splits and as shares of the fold.
            if stage["numTasks"] == (REDUCE if reducing else SPLITS) and stage["numActiveTasks"]:
                victims = on.executors()
                if victims:
                    os.kill(victims[0], signal.SIGKILL)
                    return True
        time.sleep(0.02)
    return False


def lie(job: Job, name: str) -> None:
    """A ledger of which the manifest says something else is refused."""
    manifest = json.loads((job.folder / f"{name}.json").read_text())
    for key in manifest:
        wrong = job.folder / "wrong.json"
        wrong.write_text(json.dumps({**manifest, key: manifest[key] + 1}))
        words = [job.binary, "ledger", "import", job.folder / name / "ledger", "--db", job.folder / "lie.db"]
        words += ["--job-id", f"lie {key}", "--manifest", wrong]
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
        if done.returncode == 0 or key not in done.stderr:
            raise SystemExit(f"{key} wrong in the manifest: exit status {done.returncode}: {done.stderr}")
    print(f"{len(manifest)} wrong manifests were refused", flush=True)


SQL = """
import sys, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.appName("sql").getOrCreate()
begin = time.time()
rows = spark.read.json(sys.argv[1], schema="`from` string, `to` string, from_ip array<string>, start_time string, delivery_result array<string>")
rows.selectExpr("`from`", "from_ip[0] AS ip", "split(`to`, '@')[1] AS domain", "substr(start_time, 1, 10) AS day", "element_at(delivery_result, -1) LIKE '2%' AS taken") \\
    .groupBy("from", "ip", "domain", "day").agg({"taken": "count"}).write.mode("overwrite").parquet(sys.argv[2])
print("seconds", time.time() - begin)
spark.stop()
"""


def timed(driver: subprocess.Popen) -> tuple[float, str]:
    begin = time.time()
    out, _ = driver.communicate(timeout=1800)
    if driver.returncode != 0:
        raise SystemExit(f"exit status {driver.returncode}: {out}")
    return time.time() - begin, out


def measure(job: Job, folder: Path) -> None:
    """Whole jobs, from submission to the end, beside Spark's own SQL for the same grouping."""
    script = folder / "sql.py"
    script.write_text(SQL)
    print(f"{'job':<34} {'seconds':>8}", flush=True)
    for workers in (1, 2):
        with cluster(workers) as on:
            sql, _ = timed(on.submit(script, job.log, folder / "sql.out"))
            print(f"{f'Spark SQL, {workers} worker(s)':<34} {sql:>8.1f}", flush=True)
            ours, _ = timed(job.start(on, f"measured{workers}"))
            print(f"{f'bouncewatch, {workers} worker(s)':<34} {ours:>8.1f}  {ours / sql:.2f} of SQL", flush=True)
            log = (on.folder / "driver.err").read_text()
            print(f"  {len(re.findall('Finished task', log))} tasks", flush=True)


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    told.add_argument("--bouncewatch", type=Path, required=True)
    told.add_argument("--records", type=int, default=20_000)
    told.add_argument("--kill", type=int, default=1, help="executors killed in each stage")
    told.add_argument("--measure", action="store_true")
    args = told.parse_args()
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        print("skipped: no pyspark or no Java here")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bouncewatch-spark-")))
        binary = args.bouncewatch.resolve()
        checked(binary, "simulate", folder / "world", "--records", args.records, "--seed", 11)
        job = Job(binary, folder / "world", folder)
        if args.measure:
            measure(job, folder)
            return
        alone = job.alone()
        on = stack.enter_context(cluster(2))
        same(alone, job.end(job.start(on, "whole"), on, "whole"), "two workers")
        lie(job, "whole")
        same(alone, job.end(job.start(on, "lines", "--lines"), on, "lines"), "Spark's own reader")
        for reducing in (False, True):
            where = "behind the shuffle" if reducing else "while reading"
            killed = 0
            for n in range(args.kill):
                name = f"{'reduce' if reducing else 'map'}{n}"
                driver = job.start(on, name)
                killed += kill_one(driver, on, reducing)
                same(alone, job.end(driver, on, name), f"an executor killed {where}")
            print(f"{killed} of {args.kill} executors were killed {where}", flush=True)
            if killed == 0:
                raise SystemExit(f"no executor could be killed {where}: nothing was shown")


if __name__ == "__main__":
    main()
