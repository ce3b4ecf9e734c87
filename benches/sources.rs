//! How fast logs are read and joined, without learning from them: MB a second of processor time, so a core, beside a
//! count of line ends in the same bytes; packed logs, in seconds that pass on all cores, beside their decompressor alone.
//!
//! `cargo bench --bench sources [RECORDS]`; other programs on the machine change little, but for the packed ones.
//! `cargo bench --bench sources FILE` reads one log, then judges and learns too, and tells the most memory that took.

#![allow(clippy::print_stdout, reason = "a benchmark prints its numbers")]

mod rounds;

use std::{
    error::Error,
    fs,
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bouncewatch::{
    delivery::Delivery,
    learn::Lore,
    moment::{Day, Timestamp},
    shards,
    simulate::{self, Options as World},
    sources::{self, Known, Options},
};
use rounds::best;

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(path) = std::env::args().skip(1).find(|arg| Path::new(arg).is_file()) {
        return own(Path::new(&path));
    }
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
    println!("\n{:<28} {:>8} {:>10} {:>8} {:>8} {:>8}", "packed", "MB", "mails", "s", "unpack", "ratio");
    for file in ["mail.log", "coremail.jsonl"] {
        for packing in ["gz", "zst", "xz", "bz2"] {
            packed(&folder.path().join(file), packing, 1)?;
        }
    }
    for packing in ["gz", "zst", "xz", "bz2"] {
        packed(&folder.path().join("mail.log"), packing, 6)?;
    }
    Ok(())
}

/// Reads a log of the user's own.
fn own(path: &Path) -> Result<(), Box<dyn Error>> {
    let (begin, before) = (Instant::now(), spent()?);
    let mails = read(&[path.to_owned()]).map_err(|e| e.to_string())?;
    let (seconds, mb) = (begin.elapsed().as_secs_f64(), fs::metadata(path)?.len() as f64 / 1e6);
    let processor = (spent()? - before).as_secs_f64();
    println!(
        "{mails} mails of {mb:.0} MB in {seconds:.2} s, {processor:.2} s of processor time, most memory at any time {} MiB",
        peak()? >> 10
    );
    // And learned from, as one split of many: without what comes after, be it a store or a stream.
    let (lore, how) = (Lore::load(None, None)?, Options::default());
    let (begin, whole) = (Instant::now(), sources::split(path, 0, fs::metadata(path)?.len(), &how)?);
    let (learned, _) = shards::read(whole, &how, &lore)?;
    let (seconds, contacts) = (begin.elapsed().as_secs_f64(), learned.ledger.contacts.len());
    println!("judged and learned: {:.0} mails/s, {contacts} contacts, {} MiB", mails as f64 / seconds, peak()? >> 10);
    Ok(())
}

/// Reads one log packed, or its generations, all of it at the speed of its decompressor at best.
fn packed(path: &Path, packing: &str, generations: usize) -> Result<(), Box<dyn Error>> {
    let plain = fs::read(path)?;
    let mut paths = Vec::new();
    let mut from = 0;
    for n in (0..generations).rev() {
        let end = plain.len() - plain.len() * n / generations;
        let end = if n == 0 { end } else { end + memchr::memchr(b'\n', &plain[end..]).ok_or("a line")? + 1 };
        let path = path.with_extension(format!("{n}.{packing}"));
        fs::write(&path, pack(&plain[from..end], packing)?)?;
        paths.push(path);
        from = end;
    }
    let unpack = |path: &Path| -> Result<u64, Box<dyn Error>> {
        let file = BufReader::with_capacity(128 << 10, fs::File::open(path)?);
        let mut from: Box<dyn Read> = match packing {
            "gz" => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            "zst" => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
            "xz" => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(file)),
            _ => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        };
        Ok(io::copy(&mut from, &mut io::sink())?)
    };
    let (mut alone, mut whole, mut mails) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for path in &paths {
            std::hint::black_box(unpack(path)?);
        }
        alone = alone.min(begin.elapsed());
        let begin = Instant::now();
        mails = read(&paths).map_err(|e| e.to_string())?;
        whole = whole.min(begin.elapsed());
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name =
        format!("{name}.{packing}{}", if generations > 1 { format!(", in {generations}") } else { String::new() });
    let (whole, alone) = (whole.as_secs_f64(), alone.as_secs_f64());
    let mb = plain.len() as f64 / 1e6;
    println!("{name:<28} {mb:>8.1} {mails:>10} {whole:>8.3} {alone:>8.3} {:>8.2}", whole / alone);
    paths.iter().try_for_each(fs::remove_file)?;
    Ok(())
}

fn pack(plain: &[u8], packing: &str) -> io::Result<Vec<u8>> {
    match packing {
        "gz" => {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(plain)?;
            to.finish()
        }
        "zst" => zstd::encode_all(plain, 3),
        "xz" => {
            let mut to = liblzma::write::XzEncoder::new(Vec::new(), 1);
            to.write_all(plain)?;
            to.finish()
        }
        _ => {
            let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            to.write_all(plain)?;
            to.finish()
        }
    }
}

/// KiB.
fn peak() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The mails of a log and its generations.
fn read(paths: &[PathBuf]) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let options = Options { now: Timestamp::parse("2022-07-10T00:00:00Z").ok_or("a moment")?, ..Options::default() };
    let inputs = sources::open(&paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(), &options)?;
    let add = |mails: &mut u64, delivery: &Delivery<'_>| *mails += u64::from(!delivery.attempts.is_empty());
    let reading = sources::read(inputs, &Known::default(), &options, &|| 0u64, &add, &|_| {})?;
    Ok(reading.workers.iter().sum())
}

/// Reads one log.
fn row(path: &Path, threads: usize) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let base = best(|| Ok(memchr::memchr_iter(b'\n', &bytes).count() as u64))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (mut time, mut mails) = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let begin = spent()?;
        mails = pool.install(|| read(&[path.to_owned()])).map_err(|e| e.to_string())?;
        time = time.min(spent()? - begin);
    }
    let mb = bytes.len() as f64 / 1e6;
    let (speed, plain) = (mb / time.as_secs_f64(), mb / base.0.as_secs_f64());
    let name = format!("{}, {threads} cores", path.file_name().unwrap_or_default().to_string_lossy());
    println!("{name:<28} {mb:>8.1} {mails:>10} {speed:>8.0} {plain:>8.0} {:>8.4}", speed / plain);
    Ok(())
}

/// Processor time of this process, in hundredths of a second; that of threads that ended is in no other place.
fn spent() -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no name")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}
