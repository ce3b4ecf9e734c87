//! `sendmail -t`, with the letter as its input.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Failure, Mailbox};

/// Believes the program by its exit status.
pub(super) fn pipe(program: &str, from: &Mailbox, letter: &[u8], limit: Duration) -> Result<(), Failure> {
    let lines = String::from_utf8_lossy(letter).replace("\r\n", "\n").into_bytes();
    let mut child = Command::new(program)
        .args(["-f", from.email.as_ref(), "-i", "-t"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| Failure::Down(format!("it does not start: {}", e.kind())))?;
    if let Some(mut input) = child.stdin.take() {
        // A child that does not read must not hold us: the pipe is dropped when it is killed below.
        thread::spawn(move || drop(input.write_all(&lines)));
    }
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) if status.code() == Some(EX_TEMPFAIL) => {
                return Err(Failure::Passing(format!("it ended with {EX_TEMPFAIL}")));
            }
            Ok(Some(status)) => return Err(Failure::Down(format!("it ended with {status}"))),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
            _ => {
                drop(child.kill());
                drop(child.wait());
                return Err(Failure::Down("it does not end in time".into()));
            }
        }
    }
}

/// `sysexits.h`: try again later.
const EX_TEMPFAIL: i32 = 75;
