//! Syslog, RFC 5424: UDP (RFC 5426), TCP with octet counts (RFC 6587), or the machine's own socket.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream, ToSocketAddrs, UdpSocket},
    os::unix::net::{UnixDatagram, UnixStream},
    time::Duration,
};

use super::{
    message::Message,
    template::Template,
    trouble::{Patience, Trouble},
};
use crate::{findings::Severity, place::Place, report::contract::clipped};

/// Where, and over what.
#[derive(Debug, Clone)]
pub(super) enum Syslog {
    Udp(String),
    Tcp(String),
    /// `/dev/log`
    Socket(String),
}

/// Facility 2, mail.
const MAIL: u8 = 2;
/// RFC 5426 asks a receiver for 2,048 bytes.
const MAX_BYTES: usize = 2_000;
/// How long a refusal of a datagram may take to come back.
const ECHO: Duration = Duration::from_millis(100);

impl Syslog {
    pub(super) fn parse(place: &Place) -> Result<Self, String> {
        let rest = place.rest.0.clone();
        if rest.starts_with('/') && place.scheme == "syslog" {
            return Ok(Syslog::Socket(rest));
        }
        let (host, port) =
            rest.rsplit_once(':').ok_or("wants a port: syslog://HOST:514, or a socket: syslog:///dev/log")?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err("wants a host and a port: syslog://HOST:514".into());
        }
        Ok(if place.scheme == "syslog" { Syslog::Udp(rest) } else { Syslog::Tcp(rest) })
    }

    pub(super) fn leaves(&self) -> bool {
        !matches!(self, Syslog::Socket(_))
    }

    /// Nobody acknowledges syslog: delivered means that no refusal came back.
    pub(super) fn log(&self, message: &Message, template: &Template, patience: &Patience) -> Result<(), Trouble> {
        let line = line(message, template);
        let sent = match self {
            Syslog::Udp(to) => datagram(to, line.as_bytes()),
            Syslog::Tcp(to) => stream(to, format!("{} {line}", line.len()).as_bytes(), patience.once),
            Syslog::Socket(path) => socket(path, line.as_bytes(), patience.once),
        };
        sent.map_err(|e| match e.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::down("it does not answer in time".into()),
            kind => Trouble::passing(kind.to_string(), Duration::ZERO),
        })
    }
}

/// `<PRI>1 TIME HOST bouncewatch - KIND - text`
fn line(message: &Message, template: &Template) -> String {
    let severity = match message.severity {
        Some(Severity::High) => 2,
        Some(Severity::Medium) => 4,
        Some(Severity::Low) => 5,
        None => 6,
    };
    let (host, at, kind) = (own_name(), message.at, message.kind);
    let text = template.fill(message, str::to_owned);
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let head = format!("<{}>1 {at} {host} bouncewatch - {kind} - ", MAIL * 8 + severity);
    let mut line = head + &clipped(&text, MAX_BYTES);
    while line.len() > MAX_BYTES {
        line.pop();
    }
    line
}

/// This machine's name, as far as it is one.
pub(super) fn own_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() { "localhost".into() } else { name.into() }
}

fn datagram(to: &str, line: &[u8]) -> std::io::Result<()> {
    let place = first(to)?;
    let socket = UdpSocket::bind(if place.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(place)?;
    socket.send(line)?;
    socket.set_read_timeout(Some(ECHO))?;
    match socket.recv(&mut [0; 1]) {
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => Err(e),
        _ => Ok(()),
    }
}

fn stream(to: &str, line: &[u8], once: Duration) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&first(to)?, once)?;
    stream.set_write_timeout(Some(once))?;
    stream.write_all(line)?;
    stream.shutdown(Shutdown::Write)?;
    // A receiver that is there closes; one that resets has read nothing.
    stream.set_read_timeout(Some(once.min(Duration::from_secs(1))))?;
    match stream.read(&mut [0; 64]) {
        Err(e) if !matches!(e.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => Err(e),
        _ => Ok(()),
    }
}

fn socket(path: &str, line: &[u8], once: Duration) -> std::io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(once))?;
    match socket.connect(path) {
        Ok(()) => socket.send(line).map(drop),
        // A stream socket (syslog-ng) is of another type.
        Err(e) if e.raw_os_error() == Some(EPROTOTYPE) => {
            let mut stream = UnixStream::connect(path)?;
            stream.set_write_timeout(Some(once))?;
            stream.write_all(line)?;
            stream.write_all(b"\n")
        }
        Err(e) => Err(e),
    }
}

const EPROTOTYPE: i32 = 91;

fn first(to: &str) -> std::io::Result<std::net::SocketAddr> {
    to.to_socket_addrs()?.next().ok_or_else(|| ErrorKind::AddrNotAvailable.into())
}
