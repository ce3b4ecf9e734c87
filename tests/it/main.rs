//! The one integration binary: linking is what costs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say where")]

mod alone;
mod architecture;
mod browser;
mod campaigns;
mod cli;
mod config;
mod contract;
mod countries;
mod disclose;
mod exports;
mod folders;
mod hostile;
mod ledger;
mod memory;
mod network;
mod origins;
mod owners;
mod packaging;
mod redacted;
mod servers;
mod sinks;
mod watch;
mod world;
