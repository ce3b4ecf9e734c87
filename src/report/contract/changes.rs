//! Added to the contract: what is different from the night before.

use serde::Serialize;

use super::shown;
use crate::findings::{self, Headline};

/// One night against the one before; all lists empty on the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// When the earlier night was.
    pub since: Option<String>,
    /// Not known then.
    pub new: Vec<Change>,
    /// Not found any more.
    pub gone: Vec<Change>,
    /// Known then, with another status.
    pub turned: Vec<Change>,
}

/// One finding that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The finding's permanent id.
    pub id: String,
    /// `domain`, `username` or `campaign`.
    pub kind: String,
    /// What it is about.
    pub name: String,
    /// Whether the name can be had; empty for a campaign.
    pub status: String,
    /// Whether it could be had the night before.
    pub was: Option<String>,
}

impl Changes {
    /// Whether there is anything to tell.
    pub fn any(&self) -> bool {
        !(self.new.is_empty() && self.gone.is_empty() && self.turned.is_empty())
    }
}

impl From<&findings::Changes> for Changes {
    fn from(c: &findings::Changes) -> Self {
        let all = |lines: &[Headline]| lines.iter().map(|line| change(line, None)).collect();
        Changes {
            since: c.since.map(|at| at.to_string()),
            new: all(&c.new),
            gone: all(&c.gone),
            turned: c.turned.iter().map(|(line, was)| change(line, Some(was))).collect(),
        }
    }
}

fn change(line: &Headline, was: Option<&String>) -> Change {
    Change {
        // It becomes part of a link.
        id: line.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(32).collect(),
        kind: shown(&line.kind),
        name: shown(&line.name),
        status: shown(&line.status),
        was: was.map(|was| shown(was)),
    }
}
