//! bouncewatch reads mail delivery logs and finds what nobody tells an operator:
//! which mistyped or expired names a stranger could register, and who is guessing addresses.
//!
//! Modules stand in the order of the data's way; a stage uses those above it, never those below.
//!
//! ```text
//! inputs ─► sources ─► Delivery ─► ndr (Reply → Verdict) ─► ledger (learn, merge)
//!                                                             │
//!        store ◄─ findings ◄─ enumeration ◄─ registrability ◄─ typo
//!          └─► report, export, alert, disclose
//! ```

pub mod address;
pub mod bounce;
pub mod delivery;
pub mod error;
pub mod geo;
pub mod hash;
pub mod merge;
pub mod moment;
pub mod place;
pub mod plural;
pub mod reply;
pub mod suffix;
pub mod tls;
pub mod zone;

pub mod mail;

pub mod sources;

pub mod progress;

pub mod ndr;

#[cfg(feature = "lm")]
pub mod lm;

pub mod ledger;

pub mod learn;

pub mod columnar;

pub mod typo;

pub mod registrability;

pub mod enumeration;

pub mod findings;

pub mod redact;

pub mod disclose;

pub mod store;

pub mod judge;

pub mod report;

pub mod export;

pub mod alert;

pub mod simulate;

pub mod pipeline;

pub mod shards;

pub mod watch;

pub mod rehearsal;

pub mod cli;
