//! DNS by hand (RFC 1035): enough of an authoritative and a recursive server for one question a message.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use super::{
    Dns, Fate, Truth, serve_tcp,
    signed::{self, Record},
    stay_silent,
};

const A: u16 = 1;
const NS: u16 = 2;
const SOA: u16 = 6;
const MX: u16 = 15;
const NXDOMAIN: u8 = 3;
const SERVFAIL: u8 = 2;

/// UDP and TCP on the same port.
pub(super) fn serve(truth: &Arc<Truth>, threads: &mut Vec<JoinHandle<()>>) -> SocketAddr {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    udp.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let shared = truth.clone();
    threads.push(std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while !shared.stopped() {
            if let Ok((length, from)) = udp.recv_from(&mut buffer)
                && let Some(answer) = answer(&shared, &buffer[..length], true)
            {
                udp.send_to(&answer, from).ok();
            }
        }
    }));
    serve_tcp(truth, threads, tcp, |truth, mut stream: TcpStream| {
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
            if stream.read_exact(&mut message).is_err() {
                return;
            }
            match answer(truth, &message, false) {
                Some(answer) => {
                    let mut framed = (answer.len() as u16).to_be_bytes().to_vec();
                    framed.extend(answer);
                    if stream.write_all(&framed).is_err() {
                        return;
                    }
                }
                None => stay_silent(truth),
            }
        }
    })
}

/// What a name has, before it is put on the wire.
enum Say {
    Nothing,
    Code(u8),
    Truncated,
    Records(Vec<(u16, Vec<u8>)>),
}

fn answer(truth: &Truth, message: &[u8], udp: bool) -> Option<Vec<u8>> {
    truth.asked.dns.fetch_add(1, Ordering::Relaxed);
    let (name, kind, end) = question(message)?;
    truth.note(&name);
    if let Some(answer) = of_a_zone(truth, message, &name, kind, end) {
        return Some(answer);
    }
    let (mut code, mut flags, mut records) = (0, 0x8180u16, Vec::new());
    match say(truth, &name, kind, udp) {
        Say::Nothing => return None,
        Say::Code(c) => code = c,
        Say::Truncated => flags |= 0x0200,
        Say::Records(r) => records = r,
    }
    let odd = match truth.of(&name) {
        Fate::FreeDns(odd) => Some(odd),
        _ => None,
    };
    match odd {
        Some(Dns::Hijacked) if kind == A => {
            (code, records) = (0, vec![(A, vec![192, 0, 2, 66])]);
        }
        Some(Dns::Refused) => code = 5,
        Some(Dns::NotImplemented) => code = 4,
        Some(Dns::Garbage) => return Some(b"\xff\xff not DNS at all \x00\xc0\xff".to_vec()),
        Some(Dns::Empty) => code = 0,
        Some(Dns::OtherName) if !udp => return None,
        Some(Dns::OtherNameOverTcp) if udp => (code, flags) = (0, flags | 0x0200),
        _ => {}
    }
    let negative =
        odd != Some(Dns::WithoutSoa) && records.is_empty() && (code == 0 || code == NXDOMAIN) && flags & 0x0200 == 0;
    let tld = name.rsplit('.').next()?;
    let mut authority: Vec<Record> = Vec::new();
    if negative {
        let zone = if odd == Some(Dns::OwnSoa) { name.as_str() } else { tld };
        let signed = code == NXDOMAIN && truth.keys.signs(tld) && signed::wanted(message, end);
        authority = match signed && odd != Some(Dns::Unproven) {
            true => truth.keys.denial(tld),
            false => vec![(zone.to_owned(), SOA, soa())],
        };
    }
    let answers: Vec<Record> = records.into_iter().map(|(kind, data)| (name.clone(), kind, data)).collect();
    let mut out = reply(message, end, flags | u16::from(code), &answers, &authority);
    match odd {
        Some(Dns::WrongId) => out[0] ^= 0xff,
        // The first letter of the question's name.
        Some(Dns::OtherName | Dns::OtherNameOverTcp) if !(udp && flags & 0x0200 != 0) => out[13] ^= 0x03,
        _ => {}
    }
    Some(out)
}

/// What is asked of the root and the top-level domains themselves, where they are signed.
fn of_a_zone(truth: &Truth, message: &[u8], name: &str, kind: u16, end: usize) -> Option<Vec<u8>> {
    if name.contains('.') || !truth.keys.signs("") || !matches!(kind, NS | signed::DNSKEY | signed::DS) {
        return None;
    }
    let (answers, authority) = match kind {
        signed::DNSKEY if truth.keys.signs(name) => (truth.keys.keys(name), Vec::new()),
        NS if !name.is_empty() => (vec![(name.to_owned(), NS, wire("ns.registry.example"))], Vec::new()),
        signed::DS if !name.is_empty() => truth.keys.delegation(name),
        _ => return None,
    };
    Some(reply(message, end, 0x8180, &answers, &authority))
}

fn reply(message: &[u8], end: usize, flags: u16, answers: &[Record], authority: &[Record]) -> Vec<u8> {
    let mut out = message[..2].to_vec();
    out.extend(flags.to_be_bytes());
    for count in [1, answers.len() as u16, authority.len() as u16, 0] {
        out.extend(count.to_be_bytes());
    }
    out.extend(&message[12..end]);
    for (owner, kind, data) in answers.iter().chain(authority) {
        out.extend(wire(owner));
        record(&mut out, *kind, data);
    }
    out
}

fn say(truth: &Truth, name: &str, kind: u16, udp: bool) -> Say {
    let tld = name.rsplit('.').next().unwrap_or_default();
    let own = |kind| match kind {
        NS => Say::Records(vec![(NS, wire("ns1.hosting.example")), (NS, wire("ns2.hosting.example"))]),
        SOA => Say::Records(vec![(SOA, soa())]),
        MX => Say::Records(vec![(MX, [vec![0, 10], wire("mx.hosting.example")].concat())]),
        A => Say::Records(vec![(A, vec![192, 0, 2, 1])]),
        _ => Say::Records(Vec::new()),
    };
    let address = |kind| match kind {
        A => Say::Records(vec![(A, vec![192, 0, 2, 9])]),
        _ => Say::Records(Vec::new()),
    };
    let mail = |kind, mx: Say| if kind == MX { mx } else { own(kind) };
    let absent = || match (truth.lying, truth.wildcard_tlds.iter().any(|w| w == tld)) {
        (true, _) => own(kind),
        (false, true) => address(kind),
        (false, false) => Say::Code(NXDOMAIN),
    };
    match truth.of(name) {
        Fate::Registered | Fate::TakenOver => own(kind),
        Fate::Slow => {
            std::thread::sleep(Duration::from_millis(60));
            own(kind)
        }
        Fate::RefusesMail => mail(kind, Say::Records(vec![(MX, vec![0, 0, 0])])),
        Fate::WithoutMx => mail(kind, Say::Records(Vec::new())),
        Fate::Truncated if udp => Say::Truncated,
        Fate::Truncated => own(kind),
        Fate::AbsentTruncated if udp => Say::Truncated,
        Fate::Undelegated | Fate::Wildcard => address(kind),
        Fate::Servfail => Say::Code(SERVFAIL),
        Fate::Silent => Say::Nothing,
        _ => absent(),
    }
}

/// Name in lower case, type, and where the question ends.
fn question(message: &[u8]) -> Option<(String, u16, usize)> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]);
    Some((labels.join("."), kind, at + 4))
}

fn record(out: &mut Vec<u8>, kind: u16, data: &[u8]) {
    out.extend(kind.to_be_bytes());
    out.extend([0, 1, 0, 0, 0x0e, 0x10]);
    out.extend((data.len() as u16).to_be_bytes());
    out.extend(data);
}

/// Negative answers hold two hours.
pub(super) fn soa() -> Vec<u8> {
    let mut data = [wire("ns.registry.example"), wire("hostmaster.registry.example")].concat();
    for number in [1u32, 1800, 900, 604_800, 7200] {
        data.extend(number.to_be_bytes());
    }
    data
}

pub(super) fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|l| !l.is_empty()) {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}
