//! A configuration file → all its mistakes, each with its line.
//!
//! Every key is tried as if it stood alone in the file, so that one mistake hides no other.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use toml::{Table, Value, de::DeTable, de::DeValue};

use crate::{
    cli::{
        disclose::route,
        language::Language,
        lines::Shape,
        options::Common,
        settings::{File, Settings, line_of, mistake, moment, one_line},
    },
    disclose::Letters,
    error::Error,
    export,
    geo::Countries,
    learn, registrability,
    report::Format,
    typo::distance,
};

/// Something the program would stumble over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// From 1; 0 where it is no line's alone.
    line: usize,
    what: String,
}

impl Mistake {
    pub(super) fn told(&self, path: &Path) -> String {
        match self.line {
            0 => format!("configuration {}: {}", path.display(), self.what),
            line => format!("configuration {} line {line}: {}", path.display(), self.what),
        }
    }
}

/// Every mistake, by line.
pub(super) fn mistakes(path: &Path) -> Result<Vec<Mistake>, Error> {
    let unreadable = |e| Error::Usage(format!("configuration {}: {e}", path.display()));
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    Ok(read(&text, mode))
}

fn read(text: &str, mode: u32) -> Vec<Mistake> {
    let (spans, values) = match (DeTable::parse(text), text.parse::<Table>()) {
        (Ok(spans), Ok(values)) => (spans.into_inner(), values),
        (Err(e), _) | (_, Err(e)) => {
            let line = e.span().map_or(0, |span| line_of(text, span.start));
            return vec![Mistake { line, what: mistake(e.message()) }];
        }
    };
    let mut found: Vec<Mistake> = pieces(&spans, &values)
        .into_iter()
        .filter_map(|(at, piece)| Some(Mistake { line: line_of(text, at), what: wrong(piece)? }))
        .collect();
    found.sort_by_key(|mistake| mistake.line);
    found.dedup_by(|a, b| a.what == b.what);
    if found.is_empty() {
        // What only several keys together do wrong.
        found.extend(wrong(values.clone()).map(|what| Mistake { line: 0, what }));
    }
    if mode & 0o077 != 0 && values.contains_key("alert-sink") {
        let what = format!(
            "names alert sinks, whose addresses hold secrets, and is open to others (mode {:04o}): chmod 600",
            mode & 0o7777
        );
        found.push(Mistake { line: 0, what });
    }
    found
}

/// The file taken apart: where each key stands, and a file of that key alone.
fn pieces(spans: &DeTable<'_>, values: &Table) -> Vec<(usize, Table)> {
    let alone = |key: &str, value: Value| Table::from_iter([(key.to_owned(), value)]);
    let mut pieces = Vec::new();
    for (key, span) in spans {
        let name: &str = key.get_ref();
        match (span.get_ref(), values.get(name)) {
            (DeValue::Table(inner), Some(Value::Table(table))) if !inner.is_empty() => {
                for (key, _) in inner {
                    let inside: &str = key.get_ref();
                    let value = table.get(inside).cloned().map(|value| alone(inside, value)).unwrap_or_default();
                    pieces.push((key.span().start, alone(name, Value::Table(value))));
                }
            }
            (DeValue::Array(items), Some(Value::Array(all))) => {
                for (item, value) in items.iter().zip(all) {
                    pieces.push((item.span().start, alone(name, Value::Array(vec![value.clone()]))));
                }
            }
            (_, Some(value)) => pieces.push((key.span().start, alone(name, value.clone()))),
            (_, None) => {}
        }
    }
    pieces
}

/// What the program says to a file of these keys.
fn wrong(keys: Table) -> Option<String> {
    let file: File = match keys.try_into() {
        Ok(file) => file,
        Err(e) => return Some(suggest(e.message())),
    };
    let tried = Settings::decide(Common::default(), file).and_then(|settings| try_out(&settings));
    tried.err().map(|error| one_line(&error.to_string()))
}

/// Opens what is named and reads what is only read when its command runs.
fn try_out(settings: &Settings) -> Result<(), Error> {
    if let Some(folder) = settings.db.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(Error::Usage(format!("--db: there is no folder {}", folder.display())));
    }
    if let Some(format) = &settings.usual_format
        && Shape::parse(format).is_err()
    {
        Format::parse_list(format)?;
    }
    if settings.typo_model.is_some() {
        settings.typo_parameters()?;
    }
    if let Some(model) = &settings.ndr_model {
        learn::classifier(Some(model))?;
    }
    settings.geoip.as_deref().map(Countries::open).transpose()?;
    let network = &settings.network;
    if network.rdap_bootstrap.is_some()
        || network.whois_servers.is_some()
        || network.registry_limits.is_some()
        || network.ca_file.is_some()
    {
        registrability::usable(network)?;
    }
    let run = &settings.run;
    run.input_format.as_deref().map(crate::cli::run::input_format).transpose()?;
    run.timezone.as_deref().map(crate::cli::run::zone).transpose()?;
    run.since.as_deref().map(|text| moment("--since", text)).transpose()?;
    run.until.as_deref().map(|text| moment("--until", text)).transpose()?;
    Language::default().available(settings)?;
    Letters::load(settings.disclose.letters.as_deref())?;
    settings.disclose.via.as_deref().map(|via| route(via, settings)).transpose()?;
    for network in &settings.export.never {
        if export::Network::parse(network).is_none() {
            return Err(Error::Usage(format!("--never {network}: is no address or network")));
        }
    }
    Ok(())
}

/// ``unknown field `dbb`, expected one of `db`, `reports`…`` in fewer words, with the key that may have been meant.
fn suggest(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = quoted.split_first().filter(|_| message.starts_with("unknown field")) else {
        return mistake(message);
    };
    let nearest = known.iter().map(|key| (distance(unknown, key), *key)).min().filter(|(edits, _)| *edits <= 2);
    match nearest {
        Some((_, key)) => format!("there is no key {unknown}; {key} may be meant"),
        None if known.len() <= 8 => format!("there is no key {unknown}; there are {}", known.join(", ")),
        None => format!("there is no key {unknown}; keys are the options' names, see `bouncewatch config print`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(usize, String)> {
        read(text, 0o100_600).into_iter().map(|m| (m.line, m.what)).collect()
    }

    #[test]
    fn every_mistake_has_its_line() {
        let text = "dbb = 'x'\n\noffline = 'yes'\nalpha = 0.7\nreports = 'r'\n# a comment\nfail-on = 'urgent'\nnameserver = ['127.0.0.1:53',\n  'nowhere']\n\n[run]\nyear = 2022\ninput_format = 'postfix'\ntimezone = 'Mars'\n\n[[alert-sink]]\nurl = 'file:///var/log/a'\n\n[[alert-sink]]\nurl = 'gopher://x'\n";
        let found = told(text);
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 7, 9, 13, 14, 19], "{found:#?}");
        for ((_, said), says) in found.iter().zip([
            "db may be meant",
            "boolean",
            "--alpha",
            "--fail-on",
            "socket address",
            "input-format may be meant",
            "--timezone",
            "gopher",
        ]) {
            assert!(said.contains(says), "{said} should say {says}");
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        for (text, says) in [
            ("typo-model = '/no/such.toml'", "/no/such.toml"),
            ("ndr-model = '/no/such.bin'", "/no/such.bin"),
            ("geoip = '/no/such.mmdb'", "/no/such.mmdb"),
            ("rdap-bootstrap = '/no/such.json'", "/no/such.json"),
            ("registry-limits = '/no/such.toml'", "/no/such.toml"),
            ("alert-template = '/no/such.txt'\nalert-sink = ['file:///x']", "/no/such.txt"),
            ("db = '/no/such/folder/b.db'", "/no/such/folder"),
            ("[disclose]\nletters = '/no/such'", "/no/such"),
            ("[disclose]\nvia = 'http://x'", "--via"),
            ("[export]\nnever = ['10.0.0.0/8', 'all']", "--never all"),
            ("[unknown]\n", "no key unknown"),
            ("format = 'html,yaml'", "yaml"),
            ("alert-sink = ['file:///x', 'file:///x']", "two are named"),
        ] {
            let found = told(text);
            assert!(found.len() == 1 && found[0].1.contains(says), "{text}: {found:?}");
        }
        assert_eq!(told("a = 1\nb")[0].0, 2);
    }

    #[test]
    fn a_secret_open_to_all_is_a_mistake_and_never_told() {
        let text = "alert-sink = ['https://h.example/SECRET']\n";
        assert_eq!(read(text, 0o100_600), []);
        let open = read(text, 0o100_644);
        assert!(open.len() == 1 && open[0].what.contains("0644"), "{open:?}");
        for wrong in [
            "alert-sink = [['https://h/SECRET']]",
            "alert-sink = ['gopher://SECRET']",
            "alert-sink = [{url = 'https://h/SECRET', nam = 'x'}]",
            "alert-sink = 'https://h/SECRET'",
            "alert-sink = ['https://h/SECRET",
        ] {
            let found = told(wrong);
            assert!(!found.is_empty() && found.iter().all(|(_, said)| !said.contains("SECRET")), "{found:?}");
        }
    }
}
