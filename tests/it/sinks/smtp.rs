//! A mail server on loopback that keeps what it took, and misbehaves on demand.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Accepts,
    /// 451 to RCPT.
    Later,
    /// 550 to RCPT.
    Never,
    /// 554 once the message was read.
    RefusesContent,
    /// No greeting.
    Hangs,
    /// Hangs up in the middle of the message.
    Drops,
    /// A byte of the greeting now and then.
    Drips,
    /// Something else is at this port.
    Garbage,
}

pub(super) struct Mailer {
    pub(super) at: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    took: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Mailer {
    pub(super) fn start(mood: Mood) -> Mailer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (mood, took, stop) = (Arc::new(Mutex::new(mood)), Arc::default(), Arc::new(AtomicBool::new(false)));
        let (m, t, s) = (mood.clone(), Arc::clone(&took), stop.clone());
        let thread = std::thread::spawn(move || {
            while !s.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let (mood, took, stop) = (*m.lock().unwrap(), Arc::clone(&t), s.clone());
                        std::thread::spawn(move || converse(stream, mood, &took, &stop));
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Mailer { at, mood, took, stop, thread: Some(thread) }
    }

    pub(super) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Envelope and message of each mail taken, with bare newlines.
    pub(super) fn took(&self) -> Vec<String> {
        self.took.lock().unwrap().clone()
    }
}

impl Drop for Mailer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn converse(mut stream: TcpStream, mood: Mood, took: &Mutex<Vec<String>>, stop: &AtomicBool) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    match mood {
        Mood::Hangs => {
            for _ in 0..200 {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            return None;
        }
        Mood::Drips => {
            while !stop.load(Ordering::Relaxed) {
                stream.write_all(b"2").ok()?;
                std::thread::sleep(Duration::from_millis(20));
            }
            return None;
        }
        Mood::Garbage => return stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").ok(),
        _ => stream.write_all(b"220 loopback ESMTP\r\n").ok()?,
    }
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut mail = String::new();
    while let Some(Ok(line)) = lines.next() {
        let verb = line.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" | "HELO" => "250-loopback\r\n250 8BITMIME",
            "RCPT" if mood == Mood::Later => "451 4.3.0 try later",
            "RCPT" if mood == Mood::Never => "550 5.1.1 nobody here",
            "MAIL" | "RCPT" => {
                mail += &format!("{line}\n");
                "250 2.1.0 ok"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").ok()?;
                loop {
                    let line = lines.next()?.ok()?;
                    if mood == Mood::Drops {
                        return None;
                    }
                    if line == "." {
                        break;
                    }
                    mail += &format!("{line}\n");
                }
                if mood == Mood::RefusesContent {
                    "554 5.7.1 no"
                } else {
                    took.lock().unwrap().push(std::mem::take(&mut mail));
                    "250 2.0.0 taken"
                }
            }
            "QUIT" => "221 2.0.0 bye",
            _ => "250 2.0.0 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
    }
    Some(())
}
