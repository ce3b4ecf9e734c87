//! A disclosure → a letter: RFC 5322, from templates an operator can edit.

use std::{collections::BTreeMap, fs, path::Path};

use minijinja::{
    Environment, UndefinedBehavior, context,
    value::{Serde, Value},
};

use super::{Audience, Disclosure};
use crate::{
    address::printable,
    error::Error,
    mail::{Letter, Mailbox},
    moment::Timestamp,
};

/// Letters that ship: language, audience, text.
const SHIPPED: [(&str, Audience, &str); 10] = [
    ("en", Audience::Customer, include_str!("../../data/letters/en/customer.txt")),
    ("en", Audience::IntendedDomain, include_str!("../../data/letters/en/intended_domain.txt")),
    ("en", Audience::MailboxProvider, include_str!("../../data/letters/en/mailbox_provider.txt")),
    ("en", Audience::Target, include_str!("../../data/letters/en/target.txt")),
    ("en", Audience::Network, include_str!("../../data/letters/en/network.txt")),
    ("zh", Audience::Customer, include_str!("../../data/letters/zh/customer.txt")),
    ("zh", Audience::IntendedDomain, include_str!("../../data/letters/zh/intended_domain.txt")),
    ("zh", Audience::MailboxProvider, include_str!("../../data/letters/zh/mailbox_provider.txt")),
    ("zh", Audience::Target, include_str!("../../data/letters/zh/target.txt")),
    ("zh", Audience::Network, include_str!("../../data/letters/zh/network.txt")),
];
/// Characters of one value from a log in a letter.
const MAX_VALUE: usize = 320;

/// The letters by language and audience: the shipped ones, those of the operator's folder before them.
#[derive(Debug, Clone)]
pub struct Letters(BTreeMap<(String, Audience), String>);

/// Who writes, and when.
#[derive(Debug, Clone)]
pub struct Writer<'a> {
    /// `Abuse desk <abuse@example.org>`
    pub from: &'a str,
    /// The letter's date.
    pub now: Timestamp,
}

impl Letters {
    /// The shipped letters, and over them `<folder>/<language>/<audience>.txt`.
    pub fn load(folder: Option<&Path>) -> Result<Self, Error> {
        let mut letters: BTreeMap<_, _> =
            SHIPPED.iter().map(|(l, a, text)| (((*l).to_owned(), *a), (*text).to_owned())).collect();
        let Some(folder) = folder else { return Ok(Letters(letters)) };
        let unreadable = |cause| Error::Read { path: folder.to_owned(), cause };
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let language = entry.map_err(unreadable)?;
            for audience in Audience::ALL {
                let path = language.path().join(format!("{}.txt", audience.name()));
                if path.is_file() {
                    let text = fs::read_to_string(&path).map_err(|cause| Error::Read { path, cause })?;
                    letters.insert((language.file_name().to_string_lossy().into_owned(), audience), text);
                }
            }
        }
        Ok(Letters(letters))
    }

    /// The whole mail, headers and all. `None` where nobody to write to is known.
    pub fn write(
        &self,
        disclosure: &Disclosure,
        language: &str,
        writer: &Writer<'_>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some((to, source)) = &disclosure.matter.contact else { return Ok(None) };
        let audience = disclosure.matter.audience;
        let template = self.0.get(&(language.to_owned(), audience)).ok_or_else(|| {
            Error::Usage(format!("--language {language}: there is no letter {language}/{}.txt", audience.name()))
        })?;
        let name = format!("letter {language}/{}.txt", audience.name());
        let broken = |cause: String| Error::Data { name: name.clone(), cause };
        let (subject, body) = fill(template, disclosure, source, writer).map_err(broken)?;
        let mailbox = |text: &str| text.parse::<Mailbox>();
        let from = mailbox(writer.from)
            .map_err(|e| Error::Usage(format!("--from {}: is no mail address: {e}", printable(writer.from))))?;
        // An address that no mail header can hold is one nobody can be told at.
        let Ok(to) = mailbox(to) else { return Ok(None) };
        let letter = Letter {
            from: &from,
            to: &[to],
            subject: &subject,
            at: writer.now,
            id: &format!("{}.bouncewatch", disclosure.id),
            follows: None,
            body: &body,
        };
        letter.draft().map(Some).map_err(broken)
    }
}

/// `zh` for owners under a Chinese top-level domain, else `en`.
pub fn language_of(disclosure: &Disclosure) -> &'static str {
    let tld = disclosure.matter.owner.rsplit('.').next().unwrap_or("");
    if matches!(tld, "cn" | "中国" | "xn--fiqs8s" | "中國" | "xn--fiqz9s") { "zh" } else { "en" }
}

/// Subject and body: a template's first line is `Subject: …`, then a blank line.
fn fill(
    template: &str,
    disclosure: &Disclosure,
    source: &str,
    writer: &Writer<'_>,
) -> Result<(String, String), String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax =
        environment.syntax().to_builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(|e| e.to_string())?);
    environment.set_formatter(|out, state, value| {
        // Whatever a log wrote stays on its line and shows what it is.
        let text = value.to_string();
        let safe: String = printable(&text).chars().take(MAX_VALUE).collect();
        minijinja::escape_formatter(out, state, &Value::from(safe))
    });
    let matter = &disclosure.matter;
    let text = environment
        .render_str(
            template,
            context! {
                id => disclosure.id.as_str(), owner => matter.owner.as_str(), items => Value::from(Serde(&matter.items)), contact_source => source,
                from => writer.from, date => writer.now.day().to_string(),
                total => matter.items.iter().map(|i| i.emails).sum::<u64>(),
            },
        )
        .map_err(|e| e.to_string())?;
    let (head, body) = text.split_once("\n\n").ok_or("its subject is not followed by a blank line")?;
    let subject = head.strip_prefix("Subject:").ok_or("it does not begin with Subject:")?.trim();
    if subject.lines().count() != 1 {
        return Err("its subject is not one line".to_owned());
    }
    Ok((subject.to_owned(), body.to_owned()))
}
