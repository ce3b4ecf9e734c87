//! Web pages of domains over plain HTTP: `/DOMAIN/.well-known/security.txt`.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
};

use super::{Truth, serve_tcp};

pub(super) fn serve(truth: &Arc<Truth>, threads: &mut Vec<JoinHandle<()>>) -> SocketAddr {
    serve_tcp(truth, threads, TcpListener::bind("127.0.0.1:0").unwrap(), answer)
}

/// What comes depends on the domain's name.
fn answer(truth: &Truth, mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    while lines.next().is_some_and(|l| l.is_ok_and(|l| !l.is_empty())) {}
    truth.asked.web.fetch_add(1, Ordering::Relaxed);
    let path = first.split(' ').nth(1).unwrap_or_default();
    let domain = path.split('/').nth(1).unwrap_or_default();
    let good = format!("Contact: mailto:security@{domain}\r\nExpires: 2023-01-01T00:00:00Z\r\n");
    let (status, headers, body) = match domain.split('.').next().unwrap_or_default() {
        _ if path.ends_with("/moved.txt") => ("200 OK", "Content-Type: text/plain\r\n".to_owned(), good),
        "moved" => ("302 Found", format!("Location: /{domain}/moved.txt\r\n"), String::new()),
        "elsewhere" => ("302 Found", "Location: http://127.0.0.2:9/security.txt\r\n".to_owned(), String::new()),
        "page" => ("200 OK", "Content-Type: text/html\r\n".to_owned(), good),
        "endless" => ("200 OK", "Content-Type: text/plain\r\n".to_owned(), good.repeat(1000)),
        "none" => ("404 Not Found", String::new(), String::new()),
        "broken" => ("500 Internal Server Error", String::new(), String::new()),
        _ => ("200 OK", "Content-Type: text/plain; charset=utf-8\r\n".to_owned(), good),
    };
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .ok();
}
