//! The machine-readable part of RFC 3464: groups of fields, one group a recipient.

use super::super::event::{What, bare, diagnostic};
use crate::reply::Enhanced;

/// What a group says of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) recipient: String,
    /// Another name of the same recipient: where it was forwarded to.
    pub(super) alias: String,
    pub(super) what: What,
    pub(super) status: String,
    pub(super) diagnostic: String,
    pub(super) server: String,
}

/// Most groups read of one mail.
const GROUPS: usize = 500;

/// The groups of `text` that name a recipient.
pub(super) fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            if let Some(group) = group(&fields)
                && groups.len() < GROUPS
            {
                groups.push(group);
            }
            fields.clear();
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_ascii_lowercase();
            // Some leave the blank line between recipients out.
            if name == "final-recipient" && fields.iter().any(|(known, _)| *known == name) {
                let ahead = fields.last().is_some_and(|(known, _)| known == "original-recipient");
                let rest = fields.split_off(fields.len() - usize::from(ahead));
                groups.extend(group(&fields));
                fields = rest;
            }
            fields.push((name, value.trim().to_owned()));
        } else if let Some((_, value)) = fields.last_mut() {
            // A fold that lost its blank.
            value.push(' ');
            value.push_str(line.trim());
        }
    }
    groups
}

fn group(fields: &[(String, String)]) -> Option<Group> {
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let named = |name: &str| {
        let value = field(name);
        let value = value.split_once(';').map_or(value, |(_, address)| address).trim();
        let value = bare(value).trim_matches(['<', '>', '"', '\'']);
        let value = value.split_whitespace().next().unwrap_or("");
        // X.400 names and commands are nothing that a sender wrote.
        if value.starts_with(['/', '@', '|', ':']) || value.contains('=') && !value.contains('@') { "" } else { value }
    };
    let (last, first, actual) = (named("final-recipient"), named("original-recipient"), named("x-actual-recipient"));
    let names = [first, last, actual];
    let recipient = names
        .into_iter()
        .find(|name| name.contains('@'))
        .or_else(|| names.into_iter().find(|name| !name.is_empty()))?;
    let status = field("status");
    let status = status.split(|c: char| !(c.is_ascii_digit() || c == '.')).find(|s| !s.is_empty()).unwrap_or("");
    let action = field("action").to_ascii_lowercase();
    let what = match action.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("") {
        "delayed" => What::Deferred,
        "delivered" | "relayed" | "expanded" | "deliverable" => What::Delivered,
        "" if status.starts_with('2') => What::Delivered,
        _ => What::Bounced,
    };
    let words = diagnostic(field("diagnostic-code"));
    Some(Group {
        recipient: recipient.to_owned(),
        alias: last.to_owned(),
        what,
        status: Enhanced::parse(status).map_or(String::new(), |_| status.to_owned()),
        diagnostic: words.split_whitespace().collect::<Vec<_>>().join(" "),
        server: field("remote-mta").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_groups() {
        let text = "Reporting-MTA: dns; mx.example\n\nOriginal-Recipient: rfc822;a@example.net\nFinal-Recipient: rfc822; b@example.org\n\
                    Action: failed\nStatus: 5.1.1 (no such user)\nRemote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; 550 5.1.1\n   no\n   such user\n\n\
                    Final-Recipient: RFC822; <c@example.org>\nAction: delayed\nStatus: 4.4.1\nFinal-Recipient: rfc822; d@example.org\nAction: Relayed\nStatus: 2.0.0\n";
        let read = groups(text);
        let told: Vec<_> = read.iter().map(|g| (g.recipient.as_str(), g.what, g.status.as_str())).collect();
        assert_eq!(
            told,
            [
                ("a@example.net", What::Bounced, "5.1.1"),
                ("c@example.org", What::Deferred, "4.4.1"),
                ("d@example.org", What::Delivered, "2.0.0")
            ]
        );
        assert_eq!(read[0].diagnostic, "550 5.1.1 no such user");
    }
}
