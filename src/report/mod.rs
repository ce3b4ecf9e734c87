//! Findings → files a person, a spreadsheet or a program reads.
//!
//! In: [`Findings`] of one run, a folder, the formats wanted.
//! Out: `<folder>/<date>/` with the files of those formats, and `<folder>/latest` leading there.
//! Never: computes a finding, asks the network, reads a clock, leaves half a report.

pub mod contract;
mod csv;
mod folder;
mod html;
mod json;
mod markdown;
mod svg;
#[cfg(test)]
mod tests;
mod words;

use std::path::{Path, PathBuf};

use crate::{error::Error, findings::Findings, redact::Redactor};
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

/// Writes the report of a night, replacing that day's earlier one as a whole; `alerts.jsonl` is always among it.
/// Returns its folder. The same findings give the same bytes.
pub fn write(
    findings: &Findings,
    reports: &Path,
    formats: &[Format],
    redact: Option<&Redactor>,
) -> Result<PathBuf, Error> {
    let report = match redact {
        Some(redactor) => Report::from(&redactor.redact(findings.clone())),
        None => Report::from(findings),
    };
    folder::replace(reports, &findings.generated_at.day().to_string(), &files(&report, formats))
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
