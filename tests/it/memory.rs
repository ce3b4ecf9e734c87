//! A flood of replies of which no two are alike, through the whole job: memory stays bounded, nothing goes uncounted.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use crate::cli::{bouncewatch, stderr, stdout};

/// What the job reads.
pub(crate) type Log = BufWriter<ChildStdin>;

const LIMIT_MIB: u64 = 256;

/// Reply number `n`: different from all others in its words, which no mask hides.
fn reply(n: u64) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "wa", "ze", "da", "fe", "gi", "ho"];
    // An odd multiplier: another number, another reply, but neighbours share no beginning.
    let mut rest = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = format!("55{} 5.7.1", n % 10);
    for _ in 0..8 {
        text.push(' ');
        for _ in 0..2 {
            text.push_str(SYLLABLES[(rest % 16) as usize]);
            rest /= 16;
        }
    }
    text
}

/// Peak memory in KiB of the job, given what `feed` writes.
pub(crate) fn peak_of(dir: &Path, args: &[&str], feed: impl FnOnce(&mut Log)) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bouncewatch"))
        .current_dir(dir)
        .args(["run", "-", "--offline", "--quiet", "--now", "2022-07-04T02:00:00Z"])
        .args(args)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let (peak, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let status = format!("/proc/{}/status", child.id());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&status).unwrap_or_default();
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0);
                peak.fetch_max(kib, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let mut log = BufWriter::with_capacity(1 << 20, child.stdin.take().unwrap());
        feed(&mut log);
        drop(log.into_inner().unwrap());
        let status = child.wait().unwrap();
        over.store(true, Ordering::Relaxed);
        assert!(status.success());
    });
    peak.into_inner()
}

/// Peak memory in KiB of the job over `replies` different replies, and what `templates` counts afterwards.
fn flooded(dir: &Path, replies: u64) -> (u64, u64, usize) {
    let peak = peak_of(dir, &[], |log| {
        for n in 0..replies {
            let (day, second) = (1 + n * 28 / replies, n % 60);
            writeln!(
                log,
                r#"{{"from":"a@x.example","to":"b@y.example","start_time":"2022-06-{day:02} 10:00:{second:02}","end_time":"2022-06-{day:02} 10:00:{second:02}","from_ip":["192.0.2.1"],"to_ip":["198.51.100.1"],"delivery_result":["{}"],"delivery_latency":[900],"email_flag":"Normal"}}"#,
                reply(n)
            )
            .unwrap();
        }
    });
    let listed = bouncewatch(dir, &["templates"]);
    assert!(listed.status.success(), "{}", stderr(&listed));
    let counts: Vec<u64> = stdout(&listed)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["count"].as_u64().unwrap())
        .collect();
    (peak, counts.iter().sum(), counts.len())
}

#[allow(clippy::print_stdout, reason = "a measurement is for people")]
fn check(replies: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (peak, counted, templates) = flooded(dir.path(), replies);
    println!("{replies} different replies: {} MiB at most, {templates} templates", peak >> 10);
    assert_eq!(counted, replies, "nothing goes uncounted");
    assert!(peak > 0 && peak >> 10 < LIMIT_MIB, "{} MiB", peak >> 10);
    assert!((templates as u64) < replies, "the bound was never reached");
}

#[test]
fn eighty_thousand_different_replies_stay_in_bounds() {
    check(80_000);
}

/// Some minutes: `cargo test --release --test it memory -- --ignored --nocapture`.
#[test]
#[ignore = "ten million replies take minutes"]
fn ten_million_different_replies_stay_in_bounds() {
    check(10_000_000);
}
