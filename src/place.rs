//! The URL of somebody who is told things, taken apart: a sink, a mail server. Errors name the scheme and never the rest:
//! it may hold a token or a password.

use std::fmt;

/// `scheme://rest?query#options`
#[derive(Debug, Clone)]
pub struct Place {
    /// In lower case.
    pub scheme: String,
    /// Between `://` and `?`: for a webhook its query stays, it is the endpoint's own.
    pub rest: Secret,
    query: Vec<(String, String)>,
    /// After `#`: how the sink is used. A browser or an HTTP client never sends this part.
    pub options: Vec<(String, String)>,
}

/// Text that no report, log line or error shows.
#[derive(Clone)]
pub struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

impl Place {
    /// Takes a URL apart; nothing blank or invisible may stand in it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("holds blanks or control characters".into());
        }
        let (scheme, rest) = url.split_once("://").ok_or("is no URL such as https://host/path")?;
        let scheme = scheme.to_ascii_lowercase();
        let (rest, options) = rest.split_once('#').unwrap_or((rest, ""));
        let web = scheme.ends_with("https") || scheme.ends_with("http");
        let (rest, query) = if web { (rest, "") } else { rest.split_once('?').unwrap_or((rest, "")) };
        Ok(Place {
            scheme,
            rest: Secret(rest.to_owned()),
            query: pairs(query, "parameter")?,
            options: pairs(options, "option")?,
        })
    }

    /// Takes the parameter `name` of the query.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.query.iter().position(|(n, _)| n == name)?;
        Some(self.query.remove(at).1)
    }

    /// What nobody took is a mistake.
    pub fn taken(&self) -> Result<(), String> {
        match self.query.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("does not know the parameter {name}")),
        }
    }
}

/// `a=b&c=d`, percent-decoded.
fn pairs(text: &str, what: &str) -> Result<Vec<(String, String)>, String> {
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("has a {what} without ="))?;
        Ok((name.to_owned(), decoded(value).ok_or_else(|| format!("has a {what} {name} that is no text"))?))
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(split).collect()
}

/// `%41` as `A`; `None` where that gives no text, or control characters.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let mut place = Place::parse("smtp://mx:25?from=a%40b.c&to=d@e.f,g@h.i#name=post&severity=high").unwrap();
        assert_eq!((place.scheme.as_str(), place.rest.0.as_str()), ("smtp", "mx:25"));
        assert_eq!(place.take("from").as_deref(), Some("a@b.c"));
        assert!(place.taken().is_err());
        assert_eq!(place.take("to").as_deref(), Some("d@e.f,g@h.i"));
        assert!(place.taken().is_ok());
        assert_eq!(place.options.len(), 2);
        let web = Place::parse("slack+https://h/p?token=SECRET#name=x").unwrap();
        assert_eq!(web.rest.0, "h/p?token=SECRET");
        assert!(!format!("{web:?}").contains("SECRET"));
        for bad in ["no url", "https:/x", "smtp://x?a", "smtp://x?a=%zz", "smtp://x?to=a%0d%0ab"] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }
}
