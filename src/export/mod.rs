//! Findings → what other programs take: threat intelligence, abuse reports, blocklists, a registrar's list.
//!
//! In: [`Findings`] of the stored nights; the form wanted; who reports; what must never be listed.
//! Out: documents of that form; the same findings and clock give the same bytes.
//! Never: sends anything, names a confirmed address, blocks on suspicion, lists our own servers or anybody's private
//! network.

mod blocklist;
mod domains;
mod id;
mod misp;
mod network;
mod origins;
mod stix;
#[cfg(test)]
mod tests;
mod xarf;

use crate::{
    error::Error,
    findings::Findings,
    moment::Timestamp,
    report::{self, contract::Report},
};
pub use network::Network;
pub use origins::Never;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A STIX 2.1 bundle.
    Stix,
    /// A MISP event.
    Misp,
    /// X-ARF v4, a report an IP.
    Xarf,
    /// Lines a fail2ban jail reads.
    Fail2ban,
    /// For `cscli decisions import`.
    Crowdsec,
    /// The same as CSV.
    CrowdsecCsv,
    /// A `cidr:` table for `check_client_access`.
    Postfix,
    /// A set, for `nft -f`.
    Nftables,
    /// Names to register, one a line, the riskiest first.
    Domains,
    /// `squatting.csv`
    Squatting,
    /// `campaigns.csv`
    Campaigns,
}

/// How to export.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The clock.
    pub now: Timestamp,
    /// Campaigns less sure than this are not acted on.
    pub confidence: f64,
    /// Seconds an origin stays listed after its last guess.
    pub keep_s: i64,
    /// What is never listed.
    pub never: Never,
    /// Who speaks.
    pub reporter: Reporter,
}

/// Who speaks in an exported document.
#[derive(Debug, Clone, Default)]
pub struct Reporter {
    /// `Example Ltd`
    pub organization: Option<String>,
    /// Where an answer goes; X-ARF needs one.
    pub contact: Option<String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `192.0.2.1.json`; for a folder of them.
    pub name: String,
    /// Its text, a newline at its end.
    pub text: String,
}

/// `findings` in `form`: one document, or for X-ARF one an IP.
pub fn export(form: Form, findings: &Findings, wish: &Wish) -> Result<Vec<Document>, Error> {
    let listed = || origins::attackers(findings, wish);
    let csv = |name| {
        let files = report::files(&Report::from(findings), &[report::Format::Csv]);
        let bytes = files.into_iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes);
        String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    };
    let text = match form {
        Form::Xarf => return xarf::reports(&listed(), wish),
        Form::Stix => stix::bundle(findings, &listed(), wish),
        Form::Misp => misp::event(findings, &listed(), wish),
        Form::Fail2ban => blocklist::fail2ban(&listed(), wish),
        Form::Crowdsec => blocklist::crowdsec(&listed(), wish),
        Form::CrowdsecCsv => blocklist::crowdsec_csv(&listed(), wish),
        Form::Postfix => blocklist::postfix(&listed(), wish),
        Form::Nftables => blocklist::nftables(&listed(), wish),
        Form::Domains => domains::list(findings),
        Form::Squatting => csv("squatting.csv"),
        Form::Campaigns => csv("campaigns.csv"),
    };
    Ok(vec![Document { name: form.file().to_owned(), text }])
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 11] = [
        Form::Stix,
        Form::Misp,
        Form::Xarf,
        Form::Fail2ban,
        Form::Crowdsec,
        Form::CrowdsecCsv,
        Form::Postfix,
        Form::Nftables,
        Form::Domains,
        Form::Squatting,
        Form::Campaigns,
    ];

    /// `stix`
    pub fn name(self) -> &'static str {
        match self {
            Form::Stix => "stix",
            Form::Misp => "misp",
            Form::Xarf => "xarf",
            Form::Fail2ban => "fail2ban",
            Form::Crowdsec => "crowdsec",
            Form::CrowdsecCsv => "crowdsec-csv",
            Form::Postfix => "postfix",
            Form::Nftables => "nftables",
            Form::Domains => "domains",
            Form::Squatting => "squatting",
            Form::Campaigns => "campaigns",
        }
    }

    /// From `stix`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name().eq_ignore_ascii_case(text))
    }

    /// Whether it is nothing without IP addresses: pseudonyms block nobody.
    pub fn needs_ips(self) -> bool {
        matches!(
            self,
            Form::Xarf | Form::Fail2ban | Form::Crowdsec | Form::CrowdsecCsv | Form::Postfix | Form::Nftables
        )
    }

    fn file(self) -> &'static str {
        match self {
            Form::Stix => "stix.json",
            Form::Misp => "misp.json",
            Form::Xarf => "xarf.json",
            Form::Fail2ban => "fail2ban.log",
            Form::Crowdsec => "crowdsec.json",
            Form::CrowdsecCsv => "crowdsec.csv",
            Form::Postfix => "postfix.cidr",
            Form::Nftables => "nftables.nft",
            Form::Domains => "domains.txt",
            Form::Squatting => "squatting.csv",
            Form::Campaigns => "campaigns.csv",
        }
    }
}
