//! `bouncewatch db`

use clap::{Args as ClapArgs, Subcommand};

use super::{
    Exit,
    lines::{self, Out, Shape},
    screen::Screen,
    settings::{Settings, moment},
};
use crate::{error::Error, store::Store};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Version, size and rows
    Info,
    /// Forget what was last seen before a day
    Prune {
        /// The first day that is kept
        #[arg(long, value_name = "DAY")]
        before: String,
    },
    /// Put pseudonyms in the place of addresses and IP addresses, in the file itself, for good
    Redact {
        /// Also forget the key of the pseudonyms, so that no guessed address can be tried against them
        #[arg(long)]
        forget_key: bool,
    },
}

pub(super) fn run(args: Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    if !settings.db.exists() {
        return Err(Error::Usage(format!("db: there is no database {}; name another --db", settings.db.display())));
    }
    match args.action {
        Action::Info => info(&Store::open(&settings.db)?, settings)?,
        Action::Prune { before } => {
            let mut store = Store::open_alone(&settings.db, "db prune")?;
            let deleted = store.prune(moment("--before", &before)?)?;
            screen.say(&format!("{deleted} rows forgotten"));
        }
        Action::Redact { forget_key } => {
            let replaced = Store::open_alone(&settings.db, "db redact")?.redact(forget_key)?;
            screen.say(&format!("{replaced} names replaced; reports and drafts written before still hold them"));
        }
    }
    Ok(Exit::Done)
}

fn info(store: &Store, settings: &Settings) -> Result<(), Error> {
    let info = store.info()?;
    let mut out = Out::open();
    match lines::shape(settings)? {
        Shape::Json => {
            let rows: serde_json::Map<String, serde_json::Value> =
                info.rows.into_iter().map(|(table, n)| (table, n.into())).collect();
            out.line(&serde_json::json!({ "version": info.version, "bytes": info.bytes, "rows": rows }).to_string())?;
        }
        Shape::Text => {
            out.line(&format!("version {}, {} bytes", info.version, info.bytes))?;
            for (table, n) in info.rows {
                out.line(&format!("{n:>12} {table}"))?;
            }
        }
    }
    out.flush()
}
