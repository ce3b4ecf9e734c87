//! Every reader on damaged logs: no panic, and no line goes uncounted.

use super::*;
use crate::sources::format::Reader;

/// Reads `bytes` in one piece or two; all their lines must have been counted.
fn hold(kind: FormatKind, parts: &[&[u8]], what: &dyn Fn() -> String) {
    let options = options();
    let counted: u64 = match kind.format().reader() {
        Reader::Lines(each) => parts.iter().map(|part| each(part, &options, &mut |_| {}).lines).sum(),
        Reader::Joined(start) => {
            let mut join = start(&options, None).expect("nothing saved");
            join.carrier(kind);
            join.begin(None);
            join.head(&parts[0][..parts[0].len().min(4 << 10)]);
            let mut told = 0;
            let tallies = parts.iter().map(|part| join.chunk(part, &mut |_| told += 1)).collect::<Vec<_>>();
            let end = join.end(&mut |_| told += 1);
            join.save().expect("what is open can be saved");
            join.finish(true, &mut |_| told += 1);
            assert_eq!(join.pending(), 0, "{}", what());
            let records: u64 = tallies.iter().map(|tally| tally.records).sum();
            assert!(records + end.records <= told, "{records} counted, {told} told: {}", what());
            // A mail or an event may take many lines; only line logs judge each.
            if kind.family() != "lines" {
                return;
            }
            for tally in &tallies {
                assert!(tally.recognised + tally.rejected <= tally.lines.max(tally.relevant), "{}", what());
                assert!(tally.relevant <= tally.recognised + tally.rejected, "neither read nor refused: {}", what());
            }
            tallies.iter().map(|tally| tally.lines).sum()
        }
    };
    let lines = |part: &[u8]| {
        part.iter().filter(|b| **b == b'\n').count() as u64 + u64::from(part.last().is_some_and(|b| *b != b'\n'))
    };
    assert_eq!(counted, parts.iter().map(|part| lines(part)).sum::<u64>(), "{}", what());
}

fn each_case(mut each: impl FnMut(FormatKind, &Path, &[u8])) {
    for kind in FormatKind::ALL {
        for case in case_files(kind) {
            each(kind, &case, &fs::read(&case).expect("a case"));
        }
    }
}

#[test]
fn cut_at_every_byte() {
    each_case(|kind, case, log| {
        // Cuts in the first lines and the last ones; a long log's middle says nothing new.
        for at in (1..log.len()).filter(|at| *at < 4000 || *at + 1500 > log.len()) {
            hold(kind, &[&log[..at]], &|| format!("{} cut at {at}", case.display()));
        }
    });
}

#[test]
fn flipped_bytes() {
    each_case(|kind, case, log| {
        let mut odd = log.to_vec();
        for (round, flip) in [0x80u8, 0x20, 0x3f, 0x0a].into_iter().enumerate() {
            for at in (round..log.len()).step_by(23) {
                odd[at] ^= flip;
                hold(kind, &[&odd], &|| format!("{} flipped at {at}", case.display()));
                odd[at] ^= flip;
            }
        }
    });
}

#[test]
fn spliced_and_interleaved() {
    let mut logs = Vec::new();
    each_case(|kind, _, log| logs.push((kind, log.to_vec())));
    for (kind, log) in &logs {
        for (_, other) in &logs {
            // A piece of one log in the middle of another's line.
            for n in 1..24 {
                let (at, from) = (log.len() * n / 24, other.len() * (24 - n) / 24);
                let spliced = [&log[..at], &other[from..(from + 97).min(other.len())], &log[at..]].concat();
                hold(*kind, &[&spliced], &|| format!("{kind:?} spliced at {at}"));
            }
            let mut mixed = Vec::new();
            let mut theirs = other.split_inclusive(|b| *b == b'\n');
            for line in log.split_inclusive(|b| *b == b'\n') {
                mixed.extend_from_slice(line);
                mixed.extend_from_slice(theirs.next().unwrap_or(b""));
            }
            hold(*kind, &[&mixed], &|| format!("{kind:?} interleaved"));
        }
    }
}
