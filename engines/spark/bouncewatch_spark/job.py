"""Reads delivery logs on Spark and leaves the ledger as Parquet, for `bouncewatch ledger import`.

In: logs on storage that every executor sees, or on any that Spark reads; the bouncewatch binary on every executor.
Out: OUT/ledger (Parquet); what there was to read, as JSON on standard output and in a manifest.
Never: looks into a row; the binary alone knows what rows mean.

Two folds: a map task reads one split and sends each key once, however often it stood there; the rows of one `shard_key`
then meet in one reduce task, which folds them again.
"""

import argparse
import glob
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark import SparkFiles
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType

from . import child

#: Groups of rows that bouncewatch spreads keys over (`shard_key`): more reduce tasks would have nothing to do.
SHARDS = 1024
#: The first bytes of what cannot be cut: gzip, Zstandard, xz, bzip2.
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"BZh")

SPLIT = StructType(
    [
        StructField("path", StringType(), False),
        StructField("offset", LongType(), False),
        StructField("length", LongType(), False),
    ]
)


@dataclass(frozen=True)
class Options:
    """What a task needs to know; small, since it goes along with every task."""

    binary: str
    arguments: tuple[str, ...]

    def command(self, *words: str) -> list[str]:
        """The binary that was sent along with the job, else the one that is installed there."""
        sent = Path(SparkFiles.getRootDirectory()) / os.path.basename(self.binary)
        return [str(sent) if sent.exists() else self.binary, "ledger", *words]


#: A mail, to ask the binary what columns a ledger has.
MAIL = json.dumps(
    {
        "from": "a@a.example",
        "to": "b@b.example",
        "start_time": "2022-01-01 00:00:00",
        "end_time": "2022-01-01 00:00:01",
        "from_ip": ["192.0.2.1"],
        "to_ip": ["192.0.2.2"],
        "delivery_result": ["250 ok"],
        "delivery_latency": [1000],
        "email_flag": "Normal",
    }
)


def schema(options: Options) -> StructType:
    """The columns, as the binary has them, in Spark's words."""
    command = [options.binary, "ledger", "partial", "-"]
    found = list(child.batches(command, lambda to: to.write(f"{MAIL}\n".encode())))[0].schema
    known = {pa.string(): StringType(), pa.large_string(): StringType(), pa.int32(): IntegerType(), pa.int64(): LongType()}
    return StructType([StructField(field.name, known[field.type], field.nullable) for field in found])


def is_packed(path: str) -> bool:
    """Whether the file cannot be cut, by its first bytes."""
    with open(path, "rb") as file:
        return file.read(6).startswith(PACKED)


def splits(inputs: list[str], size: float, whole: bool) -> list[tuple[str, int, int]]:
    """Files cut into ranges of about `size` bytes; packed ones are not cut, and none with `whole`."""
    found = []
    for pattern in inputs:
        names = sorted(glob.glob(pattern)) or [pattern]
        for name in names:
            files = sorted(str(p) for p in Path(name).rglob("*") if p.is_file()) if os.path.isdir(name) else [name]
            for path in files:
                total = os.path.getsize(path)
                if total == 0:
                    continue
                count = 1 if whole or is_packed(path) else max(1, round(total / size))
                cuts = [total * n // count for n in range(count + 1)]
                found += [(os.path.abspath(path), a, b - a) for a, b in zip(cuts, cuts[1:])]
    return found


def read_splits(spark: SparkSession, options: Options, planned: list[tuple[str, int, int]], types: StructType) -> DataFrame:
    """A partial ledger for each split, read where the file lies."""

    def read(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in rows:
            for row in batch.to_pylist():
                words = ["--range", row["path"], str(row["offset"]), str(row["length"])]
                yield from child.batches(options.command("partial", *words, *options.arguments))

    # One partition a split, so that one is what is lost and read again.
    rdd = spark.sparkContext.parallelize(planned, len(planned))
    return spark.createDataFrame(rdd, SPLIT).mapInArrow(read, types)


def read_lines(spark: SparkSession, options: Options, inputs: list[str], types: StructType) -> DataFrame:
    """A partial ledger for each partition of Spark's own reader: `s3a://`, `hdfs://`, and what else it knows."""

    def read(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        def feed(to) -> None:
            for batch in rows:
                for line in batch.column(0):
                    to.write(line.as_buffer())
                    to.write(b"\n")

        yield from child.batches(options.command("partial", "-", *options.arguments), feed)

    return spark.read.text(inputs).mapInArrow(read, types)


def fold(partials: DataFrame, options: Options, tasks: int, types: StructType) -> DataFrame:
    """Rows of equal key into one row; equal keys have equal `shard_key`."""

    def merge(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        first = next(rows, None)
        if first is None:
            return

        def feed(to) -> None:
            with pa.ipc.new_stream(to, first.schema) as stream:
                stream.write_batch(first)
                for batch in rows:
                    stream.write_batch(batch)

        yield from child.batches(options.command("merge", "-", "--out", "-"), feed)

    return partials.repartition(tasks, "shard_key").mapInArrow(merge, types)


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """The whole job."""
    options = Options(args.bouncewatch, tuple(args.argument))
    if args.ship:
        spark.sparkContext.addFile(args.bouncewatch)
    # Text stays what Arrow's own columns are, in batches large enough to cost nothing.
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(1 << 16))
    types = schema(options)
    cores = spark.sparkContext.defaultParallelism
    if args.lines:
        partials, planned = read_lines(spark, options, args.input, types), None
    else:
        planned = splits(args.input, args.split_mib * (1 << 20), args.whole)
        if not planned:
            sys.exit(f"nothing to read in {', '.join(args.input)}")
        partials = read_splits(spark, options, planned, types)
    tasks = args.reduce_tasks or min(SHARDS, max(2, 2 * cores))
    out = f"{args.out.rstrip('/')}/ledger"
    fold(partials, options, tasks, types).write.mode("errorifexists").option("compression", "zstd").parquet(out)
    totals = control(spark, out)
    # The driver's own count, where it has one, stands in the manifest: the import refuses a ledger of fewer bytes.
    if planned is not None and not any(is_packed(path) for path, _, _ in planned):
        totals["bytes"] = sum(length for _, _, length in planned)
    print(json.dumps(totals), flush=True)
    if args.manifest:
        Path(args.manifest).write_text(json.dumps(totals) + "\n")


def control(spark: SparkSession, ledger: str) -> dict[str, int]:
    """What the readers say they read."""
    rows = spark.read.parquet(ledger).where("table = 'control' AND name = 'reading'")
    counts = [rows.agg({f"count{n}": "sum"}).collect()[0][0] or 0 for n in range(4)]
    return dict(zip(("lines", "bytes", "records", "rejects"), counts))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    told = argparse.ArgumentParser(prog="bouncewatch-spark", description=__doc__.splitlines()[0])
    told.add_argument("input", nargs="+", help="files, folders, patterns; with --lines anything Spark reads as text")
    told.add_argument("--out", required=True, help="where ledger/ goes; must not hold one yet")
    told.add_argument("--bouncewatch", default="bouncewatch", help="the binary, as executors find it")
    told.add_argument("--ship", action="store_true", help="send the driver's binary along to the executors")
    told.add_argument("--lines", action="store_true", help="read through Spark's own reader (s3a, hdfs): one record a line")
    told.add_argument("--whole", action="store_true", help="cut no file: logs whose mails go over many lines (Postfix, Exim, Sendmail)")
    told.add_argument("--manifest", help="where a JSON of what there was to read goes, for `ledger import --manifest`")
    told.add_argument("--split-mib", type=float, default=256, help="size of a split; larger ones shuffle less [256]")
    told.add_argument("--reduce-tasks", type=int, help="[2 a core, at most 1024]")
    told.add_argument("--argument", action="append", default=[], help="handed to `bouncewatch ledger partial`, as --argument=--timezone=+08:00")
    return told


def main() -> None:
    """`bouncewatch-spark`, and what `spark-submit` runs."""
    args = parser().parse_args()
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        # On this machine alone, not under spark-submit: its tasks run in this Python, also where it is no `python3` of PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.appName("bouncewatch").getOrCreate()
    try:
        run(spark, args)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
