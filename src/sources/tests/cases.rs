//! `NAME.log` must give `NAME.snap`: its deliveries sorted, then rejects, then counts. LF and CRLF.

use super::*;
use crate::sources::format::Reader;

fn check(kind: FormatKind) {
    for case in case_files(kind) {
        let log = fs::read(&case).expect("a case");
        let write = std::env::var_os("BOUNCEWATCH_WRITE_CASES").is_some();
        let expected = fs::read_to_string(case.with_extension("snap"));
        let crlf = String::from_utf8_lossy(&log).replace('\n', "\r\n");
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in [("lf.log", &log[..]), ("crlf.log", crlf.as_bytes())] {
            if name == "crlf.log" && std::str::from_utf8(&log).is_err() {
                continue;
            }
            let path = file(folder.path(), name, bytes);
            let reading =
                run(&[path], &Known::default(), &options()).unwrap_or_else(|e| panic!("{}: {e}", case.display()));
            let mut told = deliveries([&reading]).concat();
            for r in &reading.rejects {
                told += &format!("reject {}: {}\n", r.line, r.cause);
            }
            let c = &reading.inputs[0];
            told += &format!(
                "{} records, {} rejected, {} lossy, {} pending\n",
                c.records, c.rejected, c.lossy, reading.pending_deliveries
            );
            if write {
                fs::write(case.with_extension("snap.new"), &told).expect("a case can be written");
                break;
            }
            let expected = expected.as_ref().unwrap_or_else(|_| panic!("{} has no .snap", case.display()));
            assert_eq!(told, *expected, "{} ({name})", case.display());
        }
    }
}

#[test]
fn coremail() {
    check(FormatKind::Coremail);
}

#[test]
fn postfix() {
    check(FormatKind::Postfix);
}

#[test]
fn structured() {
    for kind in FormatKind::ALL.into_iter().skip(2) {
        check(kind);
    }
}

/// Reads `log`: a join in memory, which is what a file's bytes come to, others as a file.
fn survive(kind: FormatKind, folder: &Path, log: &[u8]) -> Result<(), Error> {
    let options = Options { format: Some(kind), ..options() };
    let (Reader::Joined(start), false) = (kind.format().reader(), kind == FormatKind::Postfix) else {
        return run(&[file(folder, "odd.log", log)], &Known::default(), &options).map(|_| ());
    };
    let mut join = start(&options, None)?;
    join.begin(None);
    join.head(&log[..log.len().min(4 << 10)]);
    let mut told = 0;
    let mut count = |_: &Delivery<'_>| told += 1;
    let mut tally = join.chunk(log, &mut count);
    tally.append(join.end(&mut count));
    join.finish(false, &mut count);
    let saved = join.save().expect("what is pending can be saved");
    start(&options, Some(saved))?.finish(true, &mut count);
    assert!(tally.records <= told, "{} counted, {told} told", tally.records);
    Ok(())
}

#[test]
fn a_flipped_byte_is_no_panic() {
    for kind in FormatKind::ALL {
        for case in case_files(kind) {
            let log = fs::read(&case).expect("a case");
            let folder = tempfile::tempdir().expect("a folder");
            for (round, flip) in [0x80u8, 0x20, 0x3f].into_iter().enumerate() {
                for at in (round..log.len()).step_by(3) {
                    let mut odd = log.clone();
                    odd[at] ^= flip;
                    match survive(kind, folder.path(), &odd) {
                        Ok(_) | Err(Error::Unrecognised { .. }) => {}
                        Err(e) => panic!("{} flipped at {at}: {e}", case.display()),
                    }
                }
            }
        }
    }
}

#[test]
fn a_cut_at_any_byte_is_no_panic() {
    let mut reads = 0;
    for kind in FormatKind::ALL {
        for case in case_files(kind) {
            let log = fs::read(&case).expect("a case");
            let folder = tempfile::tempdir().expect("a folder");
            for end in 0..log.len() {
                match survive(kind, folder.path(), &log[..end]) {
                    Ok(_) | Err(Error::Unrecognised { .. }) => reads += 1,
                    Err(e) => panic!("{} cut at {end}: {e}", case.display()),
                }
            }
        }
    }
    assert!(reads > 0);
}
