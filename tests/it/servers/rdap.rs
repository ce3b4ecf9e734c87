//! RDAP over plain HTTP, one question a connection.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
};

use super::{Fate, Http, Truth, reset, serve_tcp, stay_silent};

pub(super) fn serve(truth: &Arc<Truth>, threads: &mut Vec<JoinHandle<()>>) -> SocketAddr {
    serve_tcp(truth, threads, TcpListener::bind("127.0.0.1:0").unwrap(), answer)
}

fn answer(truth: &Truth, mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let Some((_, name)) = path.rsplit_once("/domain/") else {
        return;
    };
    truth.asked.rdap.fetch_add(1, Ordering::Relaxed);
    truth.note(name);
    let fate = truth.of(name);
    if fate == Fate::RegisteredRdap(Http::Reset) || fate == Fate::FreeRdap(Http::Reset) {
        return reset(stream);
    }
    for line in lines {
        if line.is_ok_and(|l| l.is_empty()) {
            break;
        }
    }
    let sent = match fate {
        Fate::RegisteredRdap(how) => misbehave(truth, &mut stream, how, name, &path, true),
        Fate::FreeRdap(how) => misbehave(truth, &mut stream, how, name, &path, false),
        Fate::Silent => {
            stay_silent(truth);
            Ok(())
        }
        _ if fate.is_taken() => ok(&mut stream, &object(name, fate)),
        _ => not_found(&mut stream),
    };
    sent.ok();
}

fn misbehave(
    truth: &Truth,
    stream: &mut TcpStream,
    how: Http,
    name: &str,
    path: &str,
    taken: bool,
) -> std::io::Result<()> {
    match how {
        Http::RateLimited => send(stream, "429 Too Many Requests", "Retry-After: 0\r\n", "{}"),
        Http::RateLimitedOnce if truth.refused.lock().unwrap().insert(name.to_owned()) => {
            send(stream, "429 Too Many Requests", "Retry-After: 1\r\n", "{}")
        }
        Http::RateLimitedOnce if taken => ok(stream, &object(name, Fate::Registered)),
        Http::RateLimitedOnce => not_found(stream),
        Http::ServerError => send(stream, "500 Internal Server Error", "", "oops"),
        Http::Garbage => send(stream, "200 OK", "", "<html>Welcome</html>"),
        Http::OtherName => ok(stream, &object("other.example", Fate::Registered)),
        Http::Silence => {
            stay_silent(truth);
            Ok(())
        }
        Http::Reset => Ok(()),
        Http::Endless => {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\nConnection: close\r\n\r\n{\"x\":\"",
            )?;
            while !truth.stopped() {
                stream.write_all(&[b'x'; 65_536])?;
            }
            Ok(())
        }
        Http::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n")?;
            while !truth.stopped() {
                stream.write_all(b" ")?;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Ok(())
        }
        Http::RedirectHere if path.starts_with("/moved/") => match taken {
            true => ok(stream, &object(name, Fate::Registered)),
            false => not_found(stream),
        },
        Http::RedirectHere => send(stream, "302 Found", &format!("Location: /moved/domain/{name}\r\n"), ""),
        Http::RedirectLoop => send(stream, "301 Moved Permanently", &format!("Location: {path}\r\n"), ""),
        Http::RedirectInside => {
            send(stream, "302 Found", &format!("Location: http://10.255.255.1/domain/{name}\r\n"), "")
        }
        Http::HtmlNotFound => send(stream, "404 Not Found", "", "<html>no</html>"),
    }
}

fn object(name: &str, fate: Fate) -> String {
    let status = match fate {
        Fate::Redemption => vec!["pending delete", "redemption period"],
        Fate::PendingDelete => vec!["pending delete"],
        Fate::Reserved => vec!["reserved"],
        Fate::OnHold => vec!["client hold"],
        _ => vec!["active"],
    };
    let created = if fate == Fate::TakenOver { "2022-07-04T12:00:00Z" } else { "2021-03-04T05:06:07Z" };
    serde_json::json!({
        "objectClassName": "domain", "ldhName": name.to_uppercase(), "status": status,
        "events": [{"eventAction": "registration", "eventDate": created}, {"eventAction": "last changed", "eventDate": "2022-07-01T00:00:00Z"}],
        "nameservers": [{"ldhName": "ns1.squat.example"}],
        "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", "Loopback Registrar"]]],
            "entities": [{"roles": ["abuse"], "vcardArray": ["vcard", [["email", {}, "text", "abuse@registrar.example"]]]}]}],
    })
    .to_string()
}

fn ok(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    send(stream, "200 OK", "", body)
}

fn not_found(stream: &mut TcpStream) -> std::io::Result<()> {
    send(stream, "404 Not Found", "", r#"{"errorCode":404,"title":"Not Found"}"#)
}

fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/rdap+json\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}
