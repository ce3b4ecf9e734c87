//! Findings → files a person, a spreadsheet or a program reads.
//!
//! In: [`Findings`] of one run, a folder, the formats wanted.
//! Out: `<folder>/<date>/` with the files of those formats and the lines nobody could read, and `<folder>/latest` leading
//! there; a view of some days of the store has a folder of its own.
//! Never: computes a finding, asks the network, reads a clock, leaves half a report.

pub mod contract;
mod csv;
mod folder;
mod html;
mod json;
mod markdown;
mod quarantine;
mod svg;
#[cfg(test)]
mod tests;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::Error,
    findings::{Findings, InputLine},
    moment::Day,
    redact::Redactor,
    sources::Reject,
};
use contract::Report;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// `report.html`
    Html,
    /// `report.json`
    Json,
    /// `squatting.csv` and `campaigns.csv`
    Csv,
    /// `report.md`
    Md,
}

/// Writes the report of a night: over that day's earlier one, of which stays what is not among `formats`. `alerts.jsonl` is
/// always among them. Returns its folder. The same findings give the same bytes.
pub fn write(
    findings: &Findings,
    reports: &Path,
    formats: &[Format],
    redact: Option<&Redactor>,
) -> Result<PathBuf, Error> {
    let name = findings.generated_at.day().to_string();
    let files = all(findings, &reports.join(&name), formats, redact)?;
    folder::replace(reports, &name, &files)
}

/// Writes the report of a part of the store, `view`, beside the night's own: `latest` does not lead there.
pub fn write_view(
    findings: &Findings,
    view: &str,
    reports: &Path,
    formats: &[Format],
    redact: Option<&Redactor>,
) -> Result<PathBuf, Error> {
    let name = format!("{}-{view}", findings.generated_at.day());
    let files = all(findings, &reports.join(&name), formats, redact)?;
    folder::place(reports, &name, &files)
}

/// Makes sure that a report of `day` can be written, and adds lines nobody could read to those of its folder.
pub fn prepare(reports: &Path, day: Day, rejects: &[Reject], redact: Option<&Redactor>) -> Result<(), Error> {
    folder::probe(reports, &day.to_string())?;
    keep(reports, day, rejects, redact)
}

/// Adds lines nobody could read to those of `day`'s folder, whether or not there is a report in it: `latest` leads to the
/// newest folder with one.
pub fn keep(reports: &Path, day: Day, rejects: &[Reject], redact: Option<&Redactor>) -> Result<(), Error> {
    if rejects.is_empty() {
        return Ok(());
    }
    quarantine::add(&folder::open(reports, &day.to_string())?, rejects, redact)
}

/// Where lines are that nobody could read.
pub fn quarantine(folder: &Path) -> PathBuf {
    folder.join(quarantine::NAME)
}

/// What the night's report says was read; nothing where there is no such report.
pub fn inputs(reports: &Path, day: Day) -> Vec<InputLine> {
    let text = fs::read(reports.join(day.to_string()).join("report.json")).unwrap_or_default();
    json::inputs(&text).into_iter().map(InputLine::from).collect()
}

/// The files to write into `folder`. With `redact` those of earlier runs too, so that nobody is named beside pseudonyms.
fn all(
    findings: &Findings,
    folder: &Path,
    formats: &[Format],
    redact: Option<&Redactor>,
) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
    let Some(redactor) = redact else {
        return Ok(files(&Report::from(findings), formats));
    };
    let there = |format: &Format| folder.join(format.file()).exists();
    let formats: Vec<Format> = Format::ALL.into_iter().filter(|f| formats.contains(f) || there(f)).collect();
    let mut files = files(&Report::from(&redactor.redact(findings.clone())), &formats);
    files.extend(quarantine::redacted(folder, redactor)?.map(|text| (quarantine::NAME, text)));
    Ok(files)
}

/// Names and contents of a report's files, sorted by name.
pub fn files(report: &Report, formats: &[Format]) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![("alerts.jsonl", json::alerts(&report.alerts).into_bytes())];
    for format in Format::ALL.into_iter().filter(|f| formats.contains(f)) {
        match format {
            Format::Html => files.push(("report.html", html::page(report).into_bytes())),
            Format::Json => files.push(("report.json", json::report(report).into_bytes())),
            Format::Md => files.push(("report.md", markdown::page(report).into_bytes())),
            Format::Csv => {
                files.extend([("squatting.csv", csv::squatting(report)), ("campaigns.csv", csv::campaigns(report))])
            }
        }
    }
    files.sort_by_key(|(name, _)| *name);
    files
}

/// One CSV cell that no spreadsheet computes.
pub fn cell(text: &str) -> String {
    csv::guarded(text)
}

impl Format {
    /// All four.
    pub const ALL: [Format; 4] = [Format::Html, Format::Json, Format::Csv, Format::Md];

    /// `html`
    pub fn name(self) -> &'static str {
        match self {
            Format::Html => "html",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Md => "md",
        }
    }

    /// The file, or the first of its files.
    fn file(self) -> &'static str {
        match self {
            Format::Html => "report.html",
            Format::Json => "report.json",
            Format::Csv => "squatting.csv",
            Format::Md => "report.md",
        }
    }

    /// From `html`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(text.trim()))
    }

    /// From `html,json,csv,md`, in any order; each once.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, Error> {
        let mut formats = Vec::new();
        for word in text.split(',').filter(|w| !w.trim().is_empty()) {
            let format = Self::parse(word).ok_or_else(|| {
                Error::Usage(format!(
                    "{}: no report format; choose of html, json, csv, md",
                    contract::shown(word.trim())
                ))
            })?;
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        if formats.is_empty() {
            return Err(Error::Usage("no report format named; choose of html, json, csv, md".to_owned()));
        }
        Ok(formats)
    }
}
