//! `bouncewatch export`

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::Args as ClapArgs;

use super::{
    Exit,
    lines::Out,
    report::redactor,
    screen::Screen,
    settings::{Settings, window},
};
use crate::{
    error::Error,
    export::{Document, Form, Network, Never, Reporter, Wish, export},
    learn::Lore,
    pipeline::{self, Job},
    progress::Unseen,
    registrability,
    store::Store,
};

/// As sure as what an owner is told.
const CONFIDENCE: f64 = 0.9;
const EXPIRE_DAYS: i64 = 7;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// stix, misp, xarf, fail2ban, crowdsec, crowdsec-csv, postfix, nftables, domains, squatting, campaigns
    #[arg(value_name = "FORM")]
    form: String,
    /// Where to write, as a whole or not at all; a folder for a file a document [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// From this day on
    #[arg(long, value_name = "DAY")]
    since: Option<String>,
    /// Up to this day
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// Least confidence of a campaign whose addresses are listed [default: 0.9]
    #[arg(long, value_name = "0..1")]
    confidence: Option<f64>,
    /// Days an address stays listed after its last guess, 1 to 366 [default: 7]
    #[arg(long, value_name = "DAYS")]
    expire: Option<i64>,
    /// Address or network that is never listed, repeatable: your own, your partners'
    #[arg(long, value_name = "CIDR")]
    never: Vec<String>,
    /// Who speaks in STIX, MISP and X-ARF
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Whom the receiver of an X-ARF report answers
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
}

pub(super) fn run(args: &Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    let form = Form::parse(&args.form).ok_or_else(|| {
        let forms = Form::ALL.map(Form::name).join(", ");
        Error::Usage(format!("export {}: is none of {forms}", args.form))
    })?;
    if form.needs_ips() && settings.redact {
        return Err(Error::Usage(format!(
            "export {}: a list of pseudonyms is of no use; leave --redact out",
            form.name()
        )));
    }
    if !settings.db.exists() {
        return Err(Error::Usage(format!(
            "export: there is no database {}; run `bouncewatch run` first, or name another --db",
            settings.db.display()
        )));
    }
    let mut store = Store::open(&settings.db)?;
    let wish = wish(args, settings, &store)?;
    let [since, until] = window(args.since.as_deref(), args.until.as_deref())?;
    let job = Job {
        now: settings.now,
        since,
        until,
        network: registrability::Network { offline: true, ..registrability::Network::default() },
        ..Job::default()
    };
    let mut findings = pipeline::analyse(&job, &Lore::load(None, None)?, &mut store, &Unseen)?;
    if let Some(redactor) = redactor(settings, &store)? {
        findings = redactor.redact(findings);
    }
    let documents = export(form, &findings, &wish)?;
    match &args.output {
        None => {
            let mut out = Out::open();
            for document in &documents {
                out.text(&document.text)?;
            }
            out.flush()?;
        }
        Some(folder) if folder.is_dir() => {
            for document in &documents {
                replace(&folder.join(&document.name), std::slice::from_ref(document))?;
            }
        }
        Some(file) => replace(file, &documents)?,
    }
    screen.detail(&format!("{} documents", documents.len()));
    Ok(Exit::Done)
}

fn wish(args: &Args, settings: &Settings, store: &Store) -> Result<Wish, Error> {
    let keys = &settings.export;
    let confidence = args.confidence.or(keys.confidence).unwrap_or(CONFIDENCE);
    if !(0.0..=1.0).contains(&confidence) {
        return Err(Error::Usage(format!("--confidence {confidence}: is not between 0 and 1")));
    }
    let expire = args.expire.or(keys.expire).unwrap_or(EXPIRE_DAYS);
    if !(1..=366).contains(&expire) {
        return Err(Error::Usage(format!("--expire {expire}: is not between 1 and 366")));
    }
    let never = if args.never.is_empty() { &keys.never } else { &args.never };
    let or = |given: &Option<String>, key: &Option<String>| given.clone().or_else(|| key.clone());
    let network = |text: &String| {
        Network::parse(text).ok_or_else(|| Error::Usage(format!("--never {text}: is no address or network")))
    };
    Ok(Wish {
        now: settings.now,
        confidence,
        keep_s: expire * 86_400,
        never: Never {
            networks: never.iter().map(network).collect::<Result<_, _>>()?,
            addresses: store.mail_servers()?,
        },
        reporter: Reporter {
            organization: or(&args.organization, &keys.organization),
            contact: or(&args.contact, &keys.contact),
        },
    })
}

/// A firewall that reads meanwhile gets the old list or the new one.
fn replace(path: &Path, documents: &[Document]) -> Result<(), Error> {
    let failed = |cause| Error::Write { path: path.to_owned(), cause };
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        for document in documents {
            file.write_all(document.text.as_bytes())?;
        }
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&fresh))).map_err(failed)
}
