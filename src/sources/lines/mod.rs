//! Logs that tell a mail in many lines: what each mail server's lines mean in one vocabulary, joined over the queue id
//! into one delivery a recipient.
//!
//! In: lines of syslog, of journald and of Exim's own logs, from all hosts and all servers in one file.
//! Out: deliveries, when the last attempt is known; what is open, for the next night.
//! Never: decides by where a night's reading ends. A log read in one night or in many gives the same deliveries.
//!
//! `head` takes a line's head off, `server` asks the server's own reader what it tells (`event`), `queue`, `queues`, `refusal`
//! and `seen` hold what is not finished, `host` decides when a delivery is known, `mail` emits it, `join` does so for all
//! hosts, with `relay` for mails that go from one to another and `pieces` for lines that syslog had cut.

pub(crate) mod event;
pub(crate) mod head;
mod host;
mod join;
mod mail;
mod pieces;
mod queue;
mod queues;
mod refusal;
mod relay;
mod seen;
pub(crate) mod server;

pub(crate) use head::Head;
pub(crate) use join::{Read, start};
pub(crate) use refusal::{PATIENCE as COMES_BACK, network};
