//! The one integration binary: linking is what costs.

mod architecture;
mod cli;
mod contract;
mod hostile;
mod network;
mod servers;
mod world;
