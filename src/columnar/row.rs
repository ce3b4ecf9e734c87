//! A row in our own words, and the columns it has.

use crate::hash::stable_hash;

/// Groups rows are spread over: some for each core of a large cluster, few enough that a group is worth a task.
const SHARDS: u64 = 1024;

/// Which rows mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    Contact,
    Login,
    Helo,
    Refusal,
    Day,
    DayType,
    Template,
    Founder,
    Blocklist,
    BlocklistIp,
    BlocklistReceiver,
    Authentication,
    SenderPass,
    Input,
    Bound,
    Crowd,
    Country,
    Control,
}

/// Columns of text, in order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text {
    Sender,
    Client,
    Recipient,
    Name,
    Value,
    Example,
}

/// Columns of 32 bits, in order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Small {
    Direction,
    Day,
    Type,
    Level,
    FirstAnswer,
    LastType,
}

/// Columns of 64 bits, in order; counts come after them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Large {
    Id,
    First,
    Last,
    AcceptedFirst,
    AcceptedLast,
    Count0,
}

pub(super) const TEXTS: [&str; 6] = ["sender", "client", "recipient", "name", "value", "example"];
pub(super) const SMALLS: [&str; 6] = ["direction", "day", "type", "level", "first_answer", "last_type"];
pub(super) const LARGES: [&str; 9] =
    ["id", "first", "last", "accepted_first", "accepted_last", "count0", "count1", "count2", "count3"];

/// One row; `None` is null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) table: Table,
    pub(super) texts: [Option<&'a str>; TEXTS.len()],
    pub(super) smalls: [Option<i32>; SMALLS.len()],
    pub(super) larges: [Option<i64>; LARGES.len()],
}

impl Table {
    pub(super) const ALL: [Table; 18] = [
        Table::Contact,
        Table::Login,
        Table::Helo,
        Table::Refusal,
        Table::Day,
        Table::DayType,
        Table::Template,
        Table::Founder,
        Table::Blocklist,
        Table::BlocklistIp,
        Table::BlocklistReceiver,
        Table::Authentication,
        Table::SenderPass,
        Table::Input,
        Table::Bound,
        Table::Crowd,
        Table::Country,
        Table::Control,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Table::Contact => "contact",
            Table::Login => "login",
            Table::Helo => "helo",
            Table::Refusal => "refusal",
            Table::Day => "day",
            Table::DayType => "day_type",
            Table::Template => "template",
            Table::Founder => "founder",
            Table::Blocklist => "blocklist",
            Table::BlocklistIp => "blocklist_ip",
            Table::BlocklistReceiver => "blocklist_receiver",
            Table::Authentication => "authentication",
            Table::SenderPass => "sender_pass",
            Table::Input => "input",
            Table::Bound => "bound",
            Table::Crowd => "crowd",
            Table::Country => "country",
            Table::Control => "control",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }
}

impl<'a> Row<'a> {
    pub(super) fn new(table: Table) -> Self {
        Row { table, texts: [None; TEXTS.len()], smalls: [None; SMALLS.len()], larges: [None; LARGES.len()] }
    }

    pub(super) fn text(mut self, column: Text, text: &'a str) -> Self {
        self.texts[column as usize] = Some(text);
        self
    }

    pub(super) fn small(mut self, column: Small, n: i32) -> Self {
        self.smalls[column as usize] = Some(n);
        self
    }

    pub(super) fn large(mut self, column: Large, n: i64) -> Self {
        self.larges[column as usize] = Some(n);
        self
    }

    pub(super) fn counts<const N: usize>(mut self, counts: [u64; N]) -> Self {
        for (column, n) in self.larges[Large::Count0 as usize..].iter_mut().zip(counts) {
            *column = Some(n.cast_signed());
        }
        self
    }

    /// Rows of equal key have the same.
    pub(super) fn shard_key(&self) -> i32 {
        let key = self.texts[Text::Sender as usize].or(self.texts[Text::Name as usize]);
        shard_key(key.unwrap_or_else(|| self.table.name()))
    }
}

pub(super) fn shard_key(text: &str) -> i32 {
    (stable_hash(text.as_bytes()) % SHARDS) as i32
}
