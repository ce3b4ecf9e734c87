//! The ledger as a table that any machine can write, join and read: Arrow IPC streams and Parquet files.
//!
//! In: a [`Ledger`], how far its inputs were read, what was counted while they were; rows written elsewhere.
//! Out: rows that stand for themselves, and everything of them again. Rows of equal key fold in any order and grouping.
//! Never: reads a log, opens the store, guesses at a row it does not understand.
//!
//! # The table
//!
//! One wide table, so that one stream and one `GROUP BY` do for all of it. `table` says which rows mean the same;
//! `shard_key` is `stable_hash(k) % 1024`, where `k` is `sender`, else `name`, else `table`: rows of equal key have equal
//! `shard_key`, so an engine may shuffle by it alone. Columns a table does not name are null.
//!
//! | `table` | key | what folds |
//! |---|---|---|
//! | `contact` | `sender`, `client`, `recipient`, `direction` | `first` with `first_answer`, `last`, `accepted_first`, `accepted_last`; mails: `count0` accepted, `count1` unknown user, `count2` no domain, `count3` refused otherwise |
//! | `login` | `sender`, `client` | `value` (account): of two that differ the empty text is left; `count0` mails |
//! | `helo` | `name` (client) | `value` (HELO name): as above |
//! | `refusal` | `sender`, `recipient`, `day`, `type`, `direction` | `count0` mails |
//! | `day` | `day` | `count0` non-, `count1` soft-, `count2` hard-bounced mails |
//! | `day_type` | `day`, `type` | `count0` attempts, `count1` soft-, `count2` hard-bounced mails |
//! | `template` | `level`, `id`, `name` (masked text) | `count0` replies, `first` with `example`, `last` with `last_type` |
//! | `founder` | `id`, `name` (masked text) | `first` with `type`; only of forms that are forgotten |
//! | `blocklist` | `name`, `day` | `count0` attempts, `count1` mails |
//! | `blocklist_ip`, `blocklist_receiver` | `name`, `day`, `value` | – |
//! | `authentication` | `name` (domain) | `count0` mails, `first`, `last` |
//! | `sender_pass` | `name` (domain), `day` | – |
//! | `input` | `id` (hash of the head), `value` (length of the head, bytes read, hash of the tail), `name` (path) | `last`: mails read |
//! | `bound` | `level` | `last`: forms are counted exactly while their hash has so many zero bits at the top |
//! | `control` | `name` | `count0` to `count3`: of `reading` lines, bytes, records and rejects; of each table its own sums; of `TABLE.keys` `count0` the sum of its keys' hashes times their counts, of which 32 bits count, `count1` all its counts |
//!
//! Every `count` is added; of `first` and `accepted_first` the least stays, with what stands beside it (of equal moments
//! the lesser value); of `last` and `accepted_last` the greatest, with what stands beside it (the greater). Moments are
//! seconds since 1970-01-01T00:00:00Z, days are days since then; `direction` is 0 for out, 1 for in; `type` is 1 to 16;
//! `first_answer` is 0 accepted, 1 unknown, 2 no domain, 3 other.
//!
//! `control` rows are what the writers of the rows counted: joined like all others, they must equal what the rows of each
//! table add up to, or something was lost, taken twice or damaged on the way. What does not add up (moments, values, rows
//! without counts, templates' texts) is held by no sum.

mod batch;
mod control;
mod emit;
mod file;
mod row;
mod take;

pub use control::Totals;
pub use file::{Source, read, write_parquet, write_stream};

use std::collections::BTreeMap;

use crate::{ledger::Ledger, sources::Mark};

/// Some of the mail's ledger, or all of it.
#[derive(Debug, Clone, Default)]
pub struct Partial {
    /// What was learned.
    pub ledger: Ledger,
    /// Which inputs it is of; a split of one has none.
    pub marks: Vec<Mark>,
    /// What the writers say the tables add up to, and what they read.
    claims: BTreeMap<String, [u64; 4]>,
}

#[cfg(test)]
mod tests;
