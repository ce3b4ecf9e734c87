//! A made-up world, read as a night is, held against its truth.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hashbrown::HashSet;
use serde::Deserialize;

use crate::{
    enumeration::{
        Test,
        eval::{Evaluation, Innocent, Planted},
    },
    error::Error,
    learn::Lore,
    moment::Timestamp,
    pipeline::{self, Job},
    progress::Unseen,
    simulate::{self, Options},
    sources::{self, Known},
};

/// A world with every story, over a year's end.
pub fn world() -> Options {
    // Midnight of 2022-12-12 (UTC): day 20 is New Year's Eve.
    Options { every: true, start: Timestamp(1_670_803_200), ..Options::default() }
}

/// Makes the world, reads its rotated Postfix log, and adds what the search finds in it to `evaluation`.
pub fn hold(world: &Options, test: &Test, evaluation: &mut Evaluation) -> Result<(), Error> {
    let name = format!("seed {}, base rate {}, attacks {}", world.seed, world.unknown, world.attacks);
    let dir = Folder(std::env::temp_dir().join(format!(
        "bouncewatch-{}-{}-{}-{}",
        std::process::id(),
        world.seed,
        (world.unknown * 1e4) as u64,
        world.attacks
    )));
    simulate::simulate(&dir.0, world)?;
    let log = dir.0.join("mail.log");
    rotate(&log)?;
    let reading = sources::Options { now: world.start.plus(i64::from(world.days + 2) * 86_400), ..Default::default() };
    let inputs = vec![log.display().to_string(), rotated(&log).display().to_string()];
    let job = Job { inputs, reading: sources::Options { settle: true, ..reading }, ..Job::default() };
    let (ledger, _) = pipeline::tonight(&job, &Lore::load(None, None)?, &Known::default(), &Unseen)?;
    let truth = read(&dir.0.join("truth.json"))?;
    let truth: Truth = serde_json::from_str(&truth)
        .map_err(|e| Error::Data { name: "truth.json".to_owned(), cause: e.to_string() })?;
    let planted: Vec<Planted> = truth.campaigns.into_iter().map(Attack::planted).collect();
    let innocents = truth.benign.into_iter().flat_map(|b| {
        let kind = b.kind;
        [b.sender, b.ip]
            .into_iter()
            .flatten()
            .filter(|origin| !origin.is_empty())
            .map(move |origin| Innocent { kind: kind.clone(), origin })
    });
    evaluation.add(&name, &ledger, &planted, &innocents.collect::<Vec<_>>(), test);
    Ok(())
}

/// Gone when dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // It lies among the system's temporary files, which are cleared anyway.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The first two thirds become the rotated log.
fn rotate(log: &Path) -> Result<(), Error> {
    let text = read(log)?;
    let middle = text.len() * 2 / 3;
    let cut = text[middle..].find('\n').map_or(text.len(), |at| middle + at + 1);
    write(&rotated(log), &text[..cut])?;
    write(log, &text[cut..])
}

fn rotated(log: &Path) -> PathBuf {
    log.with_extension("log.1")
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|cause| Error::Write { path: path.to_owned(), cause })
}

/// What of `truth.json` is asked.
#[derive(Deserialize)]
struct Truth {
    campaigns: Vec<Attack>,
    benign: Vec<Benign>,
}

#[derive(Deserialize)]
struct Attack {
    kind: String,
    senders: Vec<String>,
    ips: Vec<String>,
    target_domains: Vec<String>,
    confirmed: Vec<String>,
    first: String,
    last: String,
}

#[derive(Deserialize)]
struct Benign {
    sender: Option<String>,
    ip: Option<String>,
    kind: String,
}

impl Attack {
    fn planted(self) -> Planted {
        let moment = |text: &str| Timestamp::parse(text).unwrap_or_default();
        let (first, last) = (moment(&self.first), moment(&self.last));
        Planted {
            kind: self.kind,
            origins: self.senders.into_iter().chain(self.ips).collect::<HashSet<_>>(),
            targets: self.target_domains.into_iter().collect(),
            confirmed: self.confirmed,
            first,
            last,
        }
    }
}
