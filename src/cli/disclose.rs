//! `bouncewatch disclose`

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args as ClapArgs, Subcommand, builder::BoolishValueParser};
use serde_json::json;

use super::{
    Exit,
    lines::{self, Out, Shape},
    screen::{self, Screen},
    settings::Settings,
};
use crate::{
    address::printable,
    disclose::{self, Disclosure, Item, Letters, State, Writer, language_of},
    error::Error,
    mail::{Mailbox, Route},
    plural::many,
    redact::Redactor,
    registrability::Manners,
    store::Store,
    suffix::Suffixes,
    tls::Authorities,
};

/// Days without an answer after which a sent letter is worth a reminder.
const OVERDUE_DAYS: i64 = 14;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Who should be told what, and how far that is
    List {
        /// Only those in this state: found, drafted, sent, acknowledged, resolved
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only letters sent so many days ago without an answer [default with the option: 14]
        #[arg(long, value_name = "DAYS", num_args = 0..=1, default_missing_value = "14")]
        overdue: Option<i64>,
    },
    /// Write a letter for everyone who was not told yet
    Draft {
        /// Only these
        #[arg(value_name = "ID")]
        id: Vec<String>,
        /// Ask the registries whom to write to about each owner first: RDAP, WHOIS, SOA
        #[arg(long, env = "BOUNCEWATCH_LOOK_UP_CONTACTS", value_parser = BoolishValueParser::new())]
        look_up_contacts: bool,
        #[command(flatten)]
        letter: LetterArgs,
    },
    /// Hand drafted letters to a mail server
    Send {
        /// Only these
        #[arg(value_name = "ID")]
        id: Vec<String>,
        /// Really send; without it only what would be sent is shown
        #[arg(long)]
        confirm: bool,
        /// smtp://[USER:PASSWORD@]HOST[:PORT], smtps://HOST or sendmail:/usr/sbin/sendmail [default: sendmail:]
        #[arg(long, value_name = "URL", env = "BOUNCEWATCH_DISCLOSE_VIA", hide_env_values = true)]
        via: Option<String>,
        /// Folder of the drafts [default: disclosures beside the reports]
        #[arg(long, value_name = "DIR")]
        drafts: Option<PathBuf>,
    },
    /// Note what became of one: an answer, a better contact, its end
    Mark {
        /// Which one
        #[arg(value_name = "ID")]
        id: String,
        /// found, drafted, sent, acknowledged, resolved
        #[arg(value_name = "STATE")]
        state: Option<String>,
        /// Why, for the audit trail
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        /// Write to this address instead
        #[arg(long, value_name = "ADDRESS")]
        contact: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
struct LetterArgs {
    /// Who writes: "Abuse desk <abuse@example.org>"
    #[arg(long, value_name = "ADDRESS", env = "BOUNCEWATCH_FROM")]
    from: Option<String>,
    /// Folder for the drafts [default: disclosures beside the reports]
    #[arg(long, value_name = "DIR")]
    drafts: Option<PathBuf>,
    /// Language of all letters [default: zh for owners under .cn, else en]
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,
    /// Folder with own letters, LANGUAGE/AUDIENCE.txt, used before the shipped ones
    #[arg(long, value_name = "DIR")]
    letters: Option<PathBuf>,
}

pub(super) fn run(args: Args, settings: &Settings, screen: &Screen) -> Result<Exit, Error> {
    if !settings.db.exists() {
        return Err(Error::Usage(format!(
            "disclose: there is no database {}; run `bouncewatch run` first, or name another --db",
            settings.db.display()
        )));
    }
    let mut store = match args.action {
        Action::List { .. } => Store::open(&settings.db)?,
        _ => Store::open_alone(&settings.db, "disclose")?,
    };
    match args.action {
        Action::List { state, overdue } => list(&store, settings, state.as_deref(), overdue),
        Action::Draft { id, look_up_contacts, letter } => {
            let ask = look_up_contacts || settings.disclose.look_up_contacts;
            draft(&mut store, settings, screen, &Drafting { ids: &id, ask, letter: &letter })
        }
        Action::Send { id, confirm, via, drafts } => {
            let via = via.or_else(|| settings.disclose.via.clone());
            let via = via.as_deref().unwrap_or(disclose::DEFAULT_ROUTE);
            let folder = folder(drafts.as_ref(), settings);
            send(&mut store, settings, screen, &Sending { ids: &id, confirm, via, folder: &folder })
        }
        Action::Mark { id, state, note, contact } => {
            mark(&mut store, settings, &id, state.as_deref(), &note, contact.as_deref())
        }
    }
}

fn list(store: &Store, settings: &Settings, state: Option<&str>, overdue: Option<i64>) -> Result<Exit, Error> {
    let state = state.map(parse_state).transpose()?;
    let shape = lines::shape(settings)?;
    let redactor = super::report::redactor(settings, store)?;
    let hide = |text: &str| redactor.as_ref().map_or_else(|| text.to_owned(), |r| r.text(text));
    let mut out = Out::open();
    for d in store.disclosures()? {
        let days = (settings.now.0 - d.changed_at.0) / 86_400;
        let late = |limit: i64| d.state == State::Sent && days >= limit;
        if state.is_some_and(|wanted| d.state != wanted) || overdue.is_some_and(|limit| !late(limit)) {
            continue;
        }
        let (matter, id) = (&d.matter, redactor.as_ref().map_or_else(|| d.id.clone(), |r| r.id(&d.id)));
        let contact = matter.contact.as_ref().map(|(to, source)| (hide(to), source.as_str()));
        match shape {
            Shape::Json => {
                let trail: Vec<_> = store
                    .disclosure_trail(&d.id)?
                    .iter()
                    .map(|e| json!({"at": e.at.to_string(), "state": e.state.name(), "note": hide(&e.note)}))
                    .collect();
                let shown = |i: &Item| redactor.as_ref().map_or_else(|| i.clone(), |r| i.redacted(matter.audience, r));
                let items: Vec<Item> = matter.items.iter().map(shown).collect();
                out.line(
                    &json!({
                        "id": id, "state": d.state.name(), "audience": matter.audience.name(),
                        "owner": hide(&matter.owner), "contact": contact.as_ref().map(|c| &c.0),
                        "contact_source": contact.as_ref().map(|c| c.1), "since": d.changed_at.to_string(),
                        "overdue": late(OVERDUE_DAYS), "trail": trail,
                        "findings": items.iter().map(|i| json!({
                            "id": i.id, "name": i.name, "intended": i.meant, "status": i.status,
                            "emails": i.emails, "addresses": i.addresses,
                        })).collect::<Vec<_>>(),
                    })
                    .to_string(),
                )?;
            }
            Shape::Text => out.line(&format!(
                "{} {:<12} {:<16} {:>4} {} → {}{}",
                id,
                d.state,
                matter.audience.name(),
                matter.items.len(),
                printable(&hide(&matter.owner)),
                contact.map_or_else(|| "nobody known: mark --contact".to_owned(), |c| printable(&c.0).into_owned()),
                if late(OVERDUE_DAYS) { format!(", no answer for {days} days") } else { String::new() },
            ))?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What `draft` was told.
struct Drafting<'a> {
    ids: &'a [String],
    ask: bool,
    letter: &'a LetterArgs,
}

fn draft(store: &mut Store, settings: &Settings, screen: &Screen, what: &Drafting<'_>) -> Result<Exit, Error> {
    let Drafting { ids, letter: args, .. } = *what;
    if settings.redact {
        return Err(Error::Usage("disclose draft --redact: a letter names what its owner must find".to_owned()));
    }
    let from = args.from.as_deref().or(settings.disclose.from.as_deref()).ok_or_else(|| {
        Error::Usage("disclose draft: name who writes, as --from \"Abuse desk <abuse@example.org>\"".to_owned())
    })?;
    let writer = Writer { from, now: settings.now };
    let letters = Letters::load(args.letters.as_deref().or(settings.disclose.letters.as_deref()))?;
    let language = args.language.as_deref().or(settings.disclose.language.as_deref());
    let folder = folder(args.drafts.as_ref(), settings);
    let mut chosen = choose(store, ids, |d| d.state == State::Found)?;
    if what.ask {
        look_up(&mut chosen, store, settings, screen)?;
    }
    let (mut drafted, mut trail, mut without) = (Vec::new(), Vec::new(), 0);
    for mut d in chosen.drain(..) {
        if !ids.is_empty() && d.state > State::Drafted {
            return Err(Error::Usage(format!("disclose draft {}: is {} already", d.id, d.state)));
        }
        match letters.write(&d, language.unwrap_or_else(|| language_of(&d)), &writer)? {
            Some(letter) => {
                let path = disclose::keep(&folder, &d, &letter)?;
                trail.push(d.turn(State::Drafted, &format!("drafted as {}", path.display()), settings.now));
                drafted.push(d);
            }
            None => without += 1,
        }
    }
    store.keep_disclosures(&drafted, &trail)?;
    screen.say(&format!("{} drafted in {}", many(drafted.len() as u64, "letter"), folder.display()));
    if without > 0 {
        screen.say(&format!("{without} owners without a contact: `bouncewatch disclose mark ID --contact ADDRESS`"));
    }
    Ok(Exit::Done)
}

/// Better contacts than convention has, kept as soon as they are known: a draft that fails afterwards asks nobody again.
fn look_up(chosen: &mut [Disclosure], store: &mut Store, settings: &Settings, screen: &Screen) -> Result<(), Error> {
    let (network, manners) = (&settings.network, Manners::default());
    let (trail, tallies) = disclose::look_up(chosen, &Suffixes::shipped()?, network, &manners, settings.now)?;
    store.keep_disclosures(chosen, &trail)?;
    for line in tallies.iter().flat_map(super::check::asked) {
        screen.detail(&line);
    }
    match network.offline {
        true => screen.say("--offline: no registry was asked for contacts"),
        false => screen.say(&format!("{} contacts found by asking", trail.len())),
    }
    Ok(())
}

/// What `send` was told.
struct Sending<'a> {
    ids: &'a [String],
    confirm: bool,
    via: &'a str,
    folder: &'a Path,
}

fn send(store: &mut Store, settings: &Settings, screen: &Screen, how: &Sending<'_>) -> Result<Exit, Error> {
    let route = route(how.via, settings)?;
    if how.confirm && settings.network.offline && route.is_server() {
        return Err(Error::Usage("disclose send --offline: nothing may be sent to a server".to_owned()));
    }
    let chosen = choose(store, how.ids, |d| d.state == State::Drafted)?;
    let mut out = Out::open();
    let (mut sent, mut failed) = (0, 0);
    for mut d in chosen {
        if d.state != State::Drafted {
            return Err(Error::Usage(format!("disclose send {}: is {}, not drafted", d.id, d.state)));
        }
        let path = how.folder.join(disclose::file_name(&d));
        let letter = match fs::read(&path) {
            Ok(letter) => letter,
            // The others' letters are there.
            Err(cause) => {
                failed += 1;
                screen::complain(&format!("{} not sent: {}", d.id, Error::Read { path, cause }));
                continue;
            }
        };
        // The file is what is sent, an operator's edits included.
        let to = match disclose::addressee(&letter) {
            Ok(to) => to,
            Err(cause) => {
                failed += 1;
                screen::complain(&format!("{} not sent: {}: {cause}", d.id, path.display()));
                continue;
            }
        };
        if !how.confirm {
            out.line(&format!("{} would go to {}: {}", d.id, printable(&to), path.display()))?;
            continue;
        }
        match disclose::send(&route, &letter) {
            Ok(()) => {
                sent += 1;
                let entry = d.turn(State::Sent, &format!("sent by {} to {to}", route.name()), settings.now);
                // At once: what is sent and not noted would be sent again.
                store.keep_disclosures(&[d], &[entry])?;
            }
            Err(cause) => {
                failed += 1;
                screen.warn(&format!("{} not sent to {}: {cause}", d.id, printable(&to)));
            }
        }
    }
    out.flush()?;
    match how.confirm {
        true => screen.say(&format!("{} sent, {failed} failed", many(sent, "letter"))),
        false if failed > 0 => screen.say(&format!("nothing was sent; {} cannot be read", many(failed, "draft"))),
        false => screen.say("nothing was sent: add --confirm to send"),
    }
    Ok(if failed > 0 { Exit::Undelivered } else { Exit::Done })
}

/// What `--via` names. A mistake is told without the password it may hold.
pub(super) fn route(via: &str, settings: &Settings) -> Result<Route, Error> {
    let scheme = via.split(':').next().unwrap_or("");
    let trust = Authorities::open(settings.network.ca_file.as_deref())?;
    Route::parse(via, &trust).map_err(|why| Error::Usage(format!("--via {}://…: {why}", printable(scheme))))
}

fn mark(
    store: &mut Store,
    settings: &Settings,
    id: &str,
    state: Option<&str>,
    note: &str,
    contact: Option<&str>,
) -> Result<Exit, Error> {
    if state.is_none() && contact.is_none() && note.is_empty() {
        return Err(Error::Usage(format!("disclose mark {id}: name a state, a --contact or a --note")));
    }
    let state = state.map(parse_state).transpose()?;
    let mut chosen = choose(store, &[id.to_owned()], |_| true)?;
    let mut trail = Vec::new();
    for d in &mut chosen {
        let mut note = note.to_owned();
        if let Some(contact) = contact {
            if contact.parse::<Mailbox>().is_err() {
                return Err(Error::Usage(format!("--contact {}: is no mail address", printable(contact))));
            }
            d.matter.contact = Some((contact.to_owned(), "operator".to_owned()));
            let separator = if note.is_empty() { "" } else { "; " };
            note = format!("{note}{separator}contact is {contact}");
        }
        let state = match (state, contact, d.state) {
            (Some(state), ..) => state,
            // The letter that lies there is to somebody else.
            (None, Some(_), State::Drafted) => State::Found,
            (None, ..) => d.state,
        };
        d.gone = false;
        trail.push(d.turn(state, &note, settings.now));
    }
    store.keep_disclosures(&chosen, &trail)?;
    Ok(Exit::Done)
}

/// Those named, as they are or as `list --redact` names them, or else all `otherwise` holds for. A name nobody has is an
/// error.
fn choose(store: &Store, ids: &[String], otherwise: impl Fn(&Disclosure) -> bool) -> Result<Vec<Disclosure>, Error> {
    let all = store.disclosures()?;
    let redactor = Redactor::new(store.redaction_key()?);
    let is = |d: &Disclosure, id: &String| d.id == *id || redactor.id(&d.id) == *id;
    if let Some(unknown) = ids.iter().find(|id| all.iter().all(|d| !is(d, id))) {
        return Err(Error::Usage(format!(
            "there is no disclosure {}; see `bouncewatch disclose list`",
            printable(unknown)
        )));
    }
    let chosen = |d: &Disclosure| if ids.is_empty() { otherwise(d) } else { ids.iter().any(|id| is(d, id)) };
    Ok(all.into_iter().filter(chosen).collect())
}

fn parse_state(text: &str) -> Result<State, Error> {
    State::parse(text).ok_or_else(|| {
        Error::Usage(format!("{}: is none of found, drafted, sent, acknowledged, resolved", printable(text)))
    })
}

fn folder(drafts: Option<&PathBuf>, settings: &Settings) -> PathBuf {
    let chosen = drafts.or(settings.disclose.drafts.as_ref());
    chosen.cloned().unwrap_or_else(|| settings.reports.join("disclosures"))
}
