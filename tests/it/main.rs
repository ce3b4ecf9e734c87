//! The one integration binary: linking is what costs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say where")]

mod architecture;
mod cli;
mod contract;
mod hostile;
mod network;
mod servers;
mod watch;
mod world;
