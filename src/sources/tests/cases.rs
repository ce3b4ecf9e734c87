//! `NAME.log` must give `NAME.snap`: its deliveries sorted, then rejects, then counts. LF and CRLF.

use super::*;

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
fn every_format() {
    for kind in FormatKind::ALL {
        check(kind);
    }
}
