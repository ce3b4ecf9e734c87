//! WHOIS (RFC 3912): one line in, text out, close.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use super::{Fate, Port43, Truth, reset, serve_tcp, stay_silent};

pub(super) fn serve(truth: &Arc<Truth>, threads: &mut Vec<JoinHandle<()>>) -> SocketAddr {
    serve_tcp(truth, threads, TcpListener::bind("127.0.0.1:0").unwrap(), answer)
}

fn answer(truth: &Truth, stream: TcpStream) {
    let Some(line) = peeked_line(&stream) else {
        return;
    };
    let name = line.trim().to_lowercase();
    truth.asked.whois.fetch_add(1, Ordering::Relaxed);
    truth.note(&name);
    let fate = truth.of(&name);
    let (how, text) = match fate {
        Fate::RegisteredWhois(how) => (Some(how), record(&name, "ok")),
        Fate::FreeWhois(how) => (Some(how), free(&name)),
        Fate::Silent => (Some(Port43::Silence), String::new()),
        Fate::Redemption => (None, record(&name, "redemptionPeriod")),
        Fate::PendingDelete => (None, record(&name, "pendingDelete")),
        Fate::Reserved => (None, "This name is reserved by the registry.\r\n".to_owned()),
        _ if fate.is_taken() => (None, record(&name, "ok")),
        _ => (None, free(&name)),
    };
    send(truth, stream.try_clone().unwrap(), how, &text).ok();
    match how {
        // Unread input makes the close a reset.
        Some(Port43::Reset) => reset(stream),
        _ => drop(BufReader::new(&stream).read_line(&mut String::new())),
    }
}

/// The question, left in the socket.
fn peeked_line(stream: &TcpStream) -> Option<String> {
    let mut buffer = [0; 512];
    for _ in 0..500 {
        let length = stream.peek(&mut buffer).ok()?;
        if buffer[..length].contains(&b'\n') {
            return Some(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

fn send(truth: &Truth, mut stream: TcpStream, how: Option<Port43>, text: &str) -> std::io::Result<()> {
    match how {
        None => stream.write_all(text.as_bytes()),
        Some(Port43::Latin1) => {
            stream.write_all(&[b"% Soci\xe9t\xe9 d'enregistrement \xa9\r\n\r\n".as_slice(), text.as_bytes()].concat())
        }
        Some(Port43::Endless) => {
            while !truth.stopped() {
                stream.write_all(text.as_bytes())?;
            }
            Ok(())
        }
        Some(Port43::Drip) => {
            for byte in text.bytes().cycle() {
                if truth.stopped() {
                    break;
                }
                stream.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Some(Port43::Reset) => {
            // The answer begins like one that frees the name, and breaks off.
            stream.write_all(b"% notice\r\n")
        }
        Some(Port43::RateLimited) => stream.write_all(b"Number of allowed queries exceeded.\r\n"),
        Some(Port43::Empty) => Ok(()),
        Some(Port43::Silence) => {
            stay_silent(truth);
            Ok(())
        }
    }
}

fn record(name: &str, status: &str) -> String {
    format!(
        "% No match, no entries found: these words of a notice mean nothing.\r\nDomain Name: {}\r\nRegistrar: Loopback Registrar\r\nCreation Date: 2021-03-04T05:06:07Z\r\nUpdated Date: 2022-07-01T00:00:00Z\r\nDomain Status: {status}\r\nRemarks: No match for \"{}\".\r\n",
        name.to_uppercase(),
        name
    )
}

/// In the wording of the registry of each TLD.
fn free(name: &str) -> String {
    match name.rsplit('.').next().unwrap_or_default() {
        "de" => format!("Domain: {name}\r\nStatus: free\r\n"),
        "ru" => "% TCI Whois\r\n\r\nNo entries found for the selected source(s).\r\n".to_owned(),
        "io" => "Domain not found.\r\n".to_owned(),
        "kr" => "The requested domain was not found in the Registry or Registrar's WHOIS Server.\r\n".to_owned(),
        "cn" => "No matching record.\r\n".to_owned(),
        "fr" => "%% NOT FOUND\r\n".to_owned(),
        _ => format!("No match for \"{}\".\r\n", name.to_uppercase()),
    }
}
