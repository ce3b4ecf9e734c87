//! One thing told to one sink.

use serde_json::{Value, json};

use crate::{findings::Severity, moment::Timestamp, plural::many, report::contract::shown};

/// What became of an alert since the sink last heard of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Opened,
    Updated,
    Reopened,
    Closed,
    /// Of no alert: the night's work was done.
    Heartbeat,
}

/// What is told. No field holds control characters.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) event: Event,
    /// The alert's.
    pub(super) id: String,
    /// The same for each try at telling this: a receiver that sees it twice can drop one.
    pub(super) key: String,
    /// The key of the first message about the same alert.
    pub(super) thread: String,
    /// `None` of a heartbeat.
    pub(super) severity: Option<Severity>,
    pub(super) kind: &'static str,
    pub(super) subject: String,
    pub(super) raised_at: Timestamp,
    pub(super) at: Timestamp,
}

impl Message {
    /// That the night's work was done.
    pub(super) fn heartbeat(now: Timestamp, open: u64) -> Self {
        let key = format!("heartbeat-{}", now.0);
        Message {
            event: Event::Heartbeat,
            id: "heartbeat".into(),
            thread: key.clone(),
            key,
            severity: None,
            kind: "heartbeat",
            subject: format!("bouncewatch ran; {} {} open", many(open, "alert"), if open == 1 { "is" } else { "are" }),
            raised_at: now,
            at: now,
        }
    }

    pub(super) fn severity_name(&self) -> &'static str {
        self.severity.map_or("info", Severity::name)
    }

    /// The generic webhook's body and the file's line; `text` is the filled template.
    pub(super) fn json(&self, text: &str) -> Value {
        json!({
            "version": 1,
            "key": self.key,
            "event": self.event.name(),
            "id": self.id,
            "severity": self.severity_name(),
            "kind": self.kind,
            "subject": self.subject,
            "raised_at": self.raised_at.to_string(),
            "at": self.at.to_string(),
            "text": text,
        })
    }

    /// With what a stranger wrote made plain.
    pub(super) fn made_plain(mut self) -> Self {
        for text in [&mut self.id, &mut self.key, &mut self.thread, &mut self.subject] {
            *text = shown(text);
        }
        self
    }
}

impl Event {
    pub(super) fn name(self) -> &'static str {
        match self {
            Event::Opened => "opened",
            Event::Updated => "updated",
            Event::Reopened => "reopened",
            Event::Closed => "closed",
            Event::Heartbeat => "heartbeat",
        }
    }
}
