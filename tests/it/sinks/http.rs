//! A webhook on loopback that keeps what it was told, and misbehaves on demand.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// What it answers once it has read a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mood {
    /// This status and body.
    Says(u16, &'static str),
    /// 503 to the first few, then 200 `ok`.
    Recovers(u32),
    /// 200 to the first few, then nothing.
    Takes(u32),
    /// Another place.
    Redirects,
    /// No HTTP.
    Garbage,
    /// Hangs up.
    Resets,
    /// Nothing.
    Silent,
    /// A byte now and then.
    Drips,
    /// 200 and bytes for ever.
    Endless,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// In lower case.
    pub(super) head: String,
    pub(super) body: serde_json::Value,
}

pub(super) struct Hook {
    pub(super) at: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hook {
    pub(super) fn start(mood: Mood) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (mood, asked, stop) = (Arc::new(Mutex::new(mood)), Arc::default(), Arc::new(AtomicBool::new(false)));
        let (m, a, s) = (mood.clone(), Arc::clone(&asked), stop.clone());
        let thread = std::thread::spawn(move || {
            while !s.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let (m, a, s) = (m.clone(), Arc::clone(&a), s.clone());
                        std::thread::spawn(move || answer(stream, &m, &a, &s));
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Hook { at, mood, asked, stop, thread: Some(thread) }
    }

    pub(super) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn answer(mut stream: TcpStream, mood: &Mutex<Mood>, asked: &Mutex<Vec<Asked>>, stop: &AtomicBool) {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) < 3 {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(n) = line.strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    if head.is_empty() || reader.read_exact(&mut body).is_err() {
        return;
    }
    let body = serde_json::from_slice(&body).expect("JSON");
    asked.lock().unwrap().push(Asked { head, body });
    let mut mood = mood.lock().unwrap();
    let now = match &mut *mood {
        Mood::Recovers(0) => Mood::Says(200, "ok"),
        Mood::Recovers(n) => {
            *n -= 1;
            Mood::Says(503, "busy")
        }
        Mood::Takes(0) => Mood::Silent,
        Mood::Takes(n) => {
            *n -= 1;
            Mood::Says(200, "ok")
        }
        other => other.clone(),
    };
    drop(mood);
    let trickle = |stream: &mut TcpStream, bytes: &[u8], pause| {
        while !stop.load(Ordering::Relaxed) && stream.write_all(bytes).is_ok() {
            std::thread::sleep(Duration::from_millis(pause));
        }
    };
    match now {
        Mood::Says(status, text) => {
            let length = text.len();
            write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}").ok();
        }
        Mood::Redirects => {
            let to = stream.local_addr().unwrap();
            write!(stream, "HTTP/1.1 307 x\r\nLocation: http://{to}/elsewhere\r\nContent-Length: 0\r\n\r\n").ok();
        }
        Mood::Garbage => drop(stream.write_all(b"\x16\x03\x01 hello \xff\xff\r\n\r\n")),
        Mood::Silent => {
            for _ in 0..200 {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Mood::Drips => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").ok();
            trickle(&mut stream, b" ", 20);
        }
        Mood::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").ok();
            trickle(&mut stream, &[b'x'; 65_536], 0);
        }
        Mood::Resets | Mood::Recovers(_) | Mood::Takes(_) => {}
    }
}
