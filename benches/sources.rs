//! How fast logs are read and joined, without learning from them: MB a second of processor time, so a core, beside a
//! count of line ends in the same bytes.
//!
//! `cargo bench --bench sources [RECORDS]`; other programs on the machine change little.

#![allow(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::{error::Error, fs, path::Path, time::Duration};

use bouncewatch::{
    delivery::Delivery,
    moment::{Day, Timestamp},
    simulate::{self, Options as World},
    sources::{self, Known, Options},
};

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let records = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(200_000);
    let folder = tempfile::tempdir()?;
    let start = Day::parse("2022-06-06").ok_or("a day")?.start();
    let world = World { seed: 1, records, start, days: 28, ..World::default() };
    simulate::simulate(folder.path(), &world)?;
    let cores = std::thread::available_parallelism()?.get();
    println!("{:<28} {:>8} {:>10} {:>8} {:>8} {:>8}", "input", "MB", "mails", "MB/s", "memchr", "ratio");
    for threads in [1, cores] {
        for file in ["mail.log", "mail-rfc3339.log", "coremail.jsonl"] {
            row(&folder.path().join(file), threads)?;
        }
    }
    Ok(())
}

/// Reads one log.
fn row(path: &Path, threads: usize) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let base = best(|| Ok(memchr::memchr_iter(b'\n', &bytes).count() as u64))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let options = Options { now: Timestamp::parse("2022-07-10T00:00:00Z").ok_or("a moment")?, ..Options::default() };
    let read = || -> Result<u64, Box<dyn Error + Send + Sync>> {
        let inputs = sources::open(&[path.display().to_string()], &options)?;
        let add = |mails: &mut u64, delivery: &Delivery<'_>| *mails += u64::from(!delivery.attempts.is_empty());
        let reading = sources::read(inputs, &Known::default(), &options, &|| 0u64, &add, &|_| {})?;
        Ok(reading.workers.iter().sum())
    };
    let (time, mails) = best(|| pool.install(read).map_err(|e| e.to_string().into()))?;
    let mb = bytes.len() as f64 / 1e6;
    let (speed, plain) = (mb / time.as_secs_f64(), mb / base.0.as_secs_f64());
    let name = format!("{}, {threads} cores", path.file_name().unwrap_or_default().to_string_lossy());
    println!("{name:<28} {mb:>8.1} {mails:>10} {speed:>8.0} {plain:>8.0} {:>8.4}", speed / plain);
    Ok(())
}

/// The shortest of some rounds: the rest is other programs' time.
fn best(mut what: impl FnMut() -> Result<u64, Box<dyn Error>>) -> Result<(Duration, u64), Box<dyn Error>> {
    let mut found = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let begin = busy()?;
        let count = std::hint::black_box(what()?);
        found = found.min((busy()?.saturating_sub(begin), count));
    }
    Ok(found)
}

/// Processor time of all threads of this process.
fn busy() -> Result<Duration, Box<dyn Error>> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let spent = fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += spent.split(' ').next().unwrap_or("").parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}
