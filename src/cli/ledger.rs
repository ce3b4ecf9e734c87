//! `bouncewatch ledger`

use std::{
    fs::{self, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use clap::{Args as ClapArgs, Subcommand};
use serde::Deserialize;

use super::{
    Exit,
    lines::file_text,
    run::{input_format, zone},
    screen::Screen,
    settings::Settings,
};
use crate::{
    address::printable,
    columnar::{self, Partial, Totals},
    error::Error,
    shards,
    sources::{self, Options},
    store::{Import, Store},
};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write what reports of this store work from, as DIR/ledger.parquet
    Export {
        /// Made if it is not there
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Take in ledgers of other machines, all together or not at all, each once
    Import {
        /// Folders with Parquet files or Arrow streams, such files, or - for a stream on standard input
        #[arg(value_name = "DIR", required = true)]
        from: Vec<String>,
        /// The job that wrote them: imported once [default: by what each DIR holds]
        #[arg(long, value_name = "ID")]
        job_id: Option<String>,
        /// JSON with the lines, bytes, records and rejects that the job should have read
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
    },
    /// Read one split of a log, or a stream, and write its ledger to standard output as an Arrow IPC stream
    Partial(Split),
    /// Fold ledgers into one, rows of equal key into one row
    Merge {
        /// Folders or files as for import; - is a stream on standard input
        #[arg(value_name = "PARTIAL", required = true)]
        from: Vec<String>,
        /// Where ledger.parquet goes, or - for an Arrow IPC stream on standard output
        #[arg(long, value_name = "DIR")]
        out: String,
    },
}

#[derive(Debug, ClapArgs)]
struct Split {
    /// Records that begin in LENGTH bytes of FILE from OFFSET on
    #[arg(long, num_args = 3, value_names = ["FILE", "OFFSET", "LENGTH"], allow_hyphen_values = true)]
    range: Option<Vec<String>>,
    /// All of standard input
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with = "range", required_unless_present = "range")]
    stream: Option<String>,
    /// Format instead of detecting it by the beginning of the file or stream
    #[arg(long, value_name = "FORMAT", env = "BOUNCEWATCH_INPUT_FORMAT")]
    input_format: Option<String>,
    /// Zone of times written without one, as +08:00 or Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", env = "BOUNCEWATCH_TIMEZONE", allow_hyphen_values = true)]
    timezone: Option<String>,
    /// Year of the newest line where times carry none [default: by the clock]
    #[arg(long, value_name = "YEAR", env = "BOUNCEWATCH_YEAR")]
    year: Option<i32>,
}

pub(super) fn run(args: Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    match args.action {
        Action::Export { dir } => export(&dir, settings, screen)?,
        Action::Import { from, job_id, manifest } => {
            import(&from, job_id, manifest.as_deref(), settings, screen)?;
        }
        Action::Partial(split) => partial(split, settings, screen)?,
        Action::Merge { from, out } => {
            let folded = fold(&from)?;
            if out == "-" { columnar::write_stream(&folded, stdout())? } else { keep(&folded, Path::new(&out))? }
        }
    }
    Ok(Exit::Done)
}

fn export(dir: &Path, settings: &Settings, screen: &Screen) -> Result<(), Error> {
    if !settings.db.exists() {
        return Err(Error::Usage(format!(
            "ledger export: there is no database {}; run `bouncewatch run` first, or name another --db",
            settings.db.display()
        )));
    }
    let how = Options { now: settings.now, ..Options::default() };
    let lore = settings.lore()?;
    keep(&shards::export(&Store::open(&settings.db)?, &how, settings.strangers, &lore)?, dir)?;
    screen.say(&format!("ledger: {}", dir.join(FILE).display()));
    Ok(())
}

fn import(
    from: &[String],
    job: Option<String>,
    manifest: Option<&Path>,
    settings: &Settings,
    screen: &Screen,
) -> Result<(), Error> {
    let mut store = Store::open_alone(&settings.db, "ledger import")?;
    let manifest = manifest.map(read_manifest).transpose()?;
    // Under a job's name all of it is one; without, each place is known by what it holds.
    let (mut jobs, mut partial) = (Vec::new(), Partial::default());
    if let Some(job) = job {
        if job.trim().is_empty() || job.len() > LONGEST_ID {
            return Err(Error::Usage(format!("--job-id: is not between 1 and {LONGEST_ID} bytes")));
        }
        if before(&store, &job, screen)? {
            return Ok(());
        }
        partial = fold(from)?;
        jobs.push(job);
    } else {
        for place in from {
            if place == "-" {
                return Err(Error::Usage("ledger import -: a stream needs a --job-id, to be imported once".into()));
            }
            let id = shards::content_id(place)?;
            if !jobs.contains(&id) && !before(&store, &id, screen)? {
                shards::fold(&mut partial, place)?;
                jobs.push(id);
            }
        }
        if jobs.is_empty() {
            return Ok(());
        }
    }
    partial.check()?;
    if let Some(manifest) = manifest {
        partial.agrees(&manifest)?;
    }
    match store.import(&jobs, &partial.ledger, &partial.marks, settings.now)? {
        Import::Done => {}
        Import::Before => {
            screen.warn("another import of the same ledger was faster: nothing was done");
            return Ok(());
        }
        Import::Overlaps(path) => {
            return Err(Error::Data {
                name: "ledger import".into(),
                cause: format!(
                    "mail of {} is in {} already and would count twice; an export holds all nights of its store: import \
                     each machine's latest one into a new --db",
                    printable(&path),
                    settings.db.display()
                ),
            });
        }
    }
    let rejects = partial.totals().map_or(0, |totals| totals.rejects);
    if rejects > 0 {
        screen.warn(&format!("{rejects} lines could not be read where the ledger was made"));
    }
    let mails: u64 = partial.ledger.days.values().flat_map(|day| day.degrees).sum();
    screen.say(&format!("{mails} mails imported; `bouncewatch run` without INPUT, or `report`, tells what they show"));
    Ok(())
}

fn before(store: &Store, job: &str, screen: &Screen) -> Result<bool, Error> {
    let at = store.imported(job)?;
    if let Some(at) = at {
        screen.say(&format!("{} was imported on {at}: nothing was done", printable(job)));
    }
    Ok(at.is_some())
}

fn partial(split: Split, settings: &Settings, screen: &Screen) -> Result<(), Error> {
    let keys = settings.run.clone();
    let how = Options {
        format: split.input_format.or(keys.input_format).map(|name| input_format(&name)).transpose()?,
        now: settings.now,
        zone: split.timezone.or(keys.timezone).map(|text| zone(&text)).transpose()?.unwrap_or_default(),
        year: split.year.or(keys.year),
        settle: true,
    };
    let input = match split.range.as_deref() {
        Some([file, offset, length]) => {
            sources::split(Path::new(file), number("OFFSET", offset)?, number("LENGTH", length)?, &how)?
        }
        _ => sources::stream(&how)?,
    };
    let (partial, rejects) = shards::read(input, &how, &settings.lore()?)?;
    for reject in rejects {
        let (file, cause) = (printable(&reject.file), printable(&reject.cause));
        screen.detail(&format!("{file} line {} of the split: {cause}", reject.line));
    }
    columnar::write_stream(&partial, stdout())
}

fn fold(from: &[String]) -> Result<Partial, Error> {
    let mut partial = Partial::default();
    from.iter().try_for_each(|place| shards::fold(&mut partial, place))?;
    Ok(partial)
}

/// The file in a folder of a ledger.
const FILE: &str = "ledger.parquet";
const LONGEST_ID: usize = 200;

/// Writes the folder's file, whole or not at all.
fn keep(partial: &Partial, dir: &Path) -> Result<(), Error> {
    let (path, fresh) = (dir.join(FILE), dir.join(".ledger.parquet.new"));
    let failed = |cause| Error::Write { path: path.clone(), cause };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh);
    let written = written.map_err(failed).and_then(|file| {
        columnar::write_parquet(partial, BufWriter::new(&file)).map_err(|error| match error {
            Error::Write { cause, .. } => failed(cause),
            other => other,
        })?;
        file.sync_all().and_then(|()| fs::rename(&fresh, &path)).map_err(failed)
    });
    written.inspect_err(|_| drop(fs::remove_file(&fresh)))
}

fn stdout() -> impl Write {
    BufWriter::with_capacity(1 << 20, io::stdout())
}

fn number(what: &str, text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Usage(format!("--range {what} {text}: is no number of bytes")))
}

/// What the job should have read.
#[derive(Deserialize)]
struct Manifest {
    lines: u64,
    bytes: u64,
    records: u64,
    rejects: u64,
}

fn read_manifest(path: &Path) -> Result<Totals, Error> {
    let text = file_text(path)?;
    let Manifest { lines, bytes, records, rejects } = serde_json::from_str(&text).map_err(|e| Error::Data {
        name: path.display().to_string(),
        cause: format!("{e}; it should have lines, bytes, records and rejects"),
    })?;
    Ok(Totals { lines, bytes, records, rejects })
}
