//! Both forms, whole and cut.

use super::*;

const JSON: &str = "{\"__REALTIME_TIMESTAMP\":\"1654650123000001\",\"_HOSTNAME\":\"mx\",\"SYSLOG_IDENTIFIER\":\"postfix/smtp\",\"_COMM\":\"smtp\",\"_PID\":\"7\",\"MESSAGE\":\"A: b\"}\n{\"__REALTIME_TIMESTAMP\":\"1654650124000000\",\"_HOSTNAME\":\"mx\",\"SYSLOG_IDENTIFIER\":\"postfix/smtp\",\"MESSAGE\":[65,58,32,255]}\n";

fn export() -> Vec<u8> {
    let mut bytes = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1654650123000001\n_HOSTNAME=mx\nSYSLOG_IDENTIFIER=postfix/smtp\n_COMM=smtp\nMESSAGE=A: b\n\n__CURSOR=s=2\n__REALTIME_TIMESTAMP=1654650124000000\n_HOSTNAME=mx\nSYSLOG_IDENTIFIER=postfix/smtp\nMESSAGE\n".to_vec();
    let value = b"A: \xff\nB: ten bytes";
    bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\n\n");
    bytes
}

fn told(parts: &[&[u8]]) -> (Vec<String>, u64, u64) {
    let (mut journal, mut told, mut lines, mut rejected) = (Journal::default(), Vec::new(), 0, 0);
    for part in parts {
        let mut tally = Tally::default();
        journal.read(part, &mut tally, &mut |head| {
            told.push(format!("{:?} {} {} {}", head.stamp, head.host, head.program, head.rest));
            true
        });
        (lines, rejected) = (lines + tally.lines, rejected + tally.rejected);
    }
    (told, lines, rejected)
}

#[test]
fn reads_both_forms() {
    let at = |s: i64| format!("{:?}", Stamp::At(Timestamp(s)));
    let first = format!("{} mx postfix/smtp A: b", at(1_654_650_123));
    let second = format!("{} mx postfix/smtp A: \u{fffd}", at(1_654_650_124));
    assert_eq!(told(&[JSON.as_bytes()]), (vec![first.clone(), second.clone()], 2, 0));
    let third = format!("{} mx postfix/smtp B: ten bytes", at(1_654_650_124));
    let bytes = export();
    let lines = bytes.iter().filter(|b| **b == b'\n').count() as u64;
    assert_eq!(told(&[&bytes]), (vec![first, second, third], lines, 0));
}

#[test]
fn a_cut_between_lines_changes_nothing() {
    let bytes = export();
    let whole = told(&[&bytes]);
    for at in (0..bytes.len()).filter(|at| bytes[*at] == b'\n') {
        assert_eq!(told(&[&bytes[..=at], &bytes[at + 1..]]), whole, "cut at {at}");
    }
}
