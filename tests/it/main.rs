//! The one integration binary.

mod network;
mod servers;
