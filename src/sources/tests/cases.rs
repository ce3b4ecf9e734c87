//! `NAME.log` must give `NAME.snap`: its deliveries sorted, then rejects, then counts. LF and CRLF.

use super::*;

fn check(kind: FormatKind) {
    for case in case_files(kind) {
        let log = fs::read(&case).expect("a case");
        let expected = fs::read_to_string(case.with_extension("snap"))
            .unwrap_or_else(|_| panic!("{} has no .snap", case.display()));
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
            if std::env::var_os("BOUNCEWATCH_WRITE_CASES").is_some() && name == "lf.log" {
                fs::write(case.with_extension("snap.new"), &told).expect("a case can be written");
            }
            assert_eq!(told, expected, "{} ({name})", case.display());
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
fn exim() {
    check(FormatKind::Exim);
}

#[test]
fn sendmail() {
    check(FormatKind::Sendmail);
}

#[test]
fn journald() {
    check(FormatKind::Journald);
}
