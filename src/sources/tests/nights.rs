//! A log read in two nights, split at any line, gives what one night gives.

use super::*;

fn lines(log: &[u8]) -> Vec<usize> {
    (0..log.len()).filter(|&at| log[at] == b'\n').map(|at| at + 1).collect()
}

#[test]
fn split_at_every_line() {
    for case in FormatKind::ALL.into_iter().flat_map(case_files) {
        let log = fs::read(&case).expect("a case");
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { settle: false, ..options() };
        let whole = run(&[file(folder.path(), "whole.log", &log)], &Known::default(), &options).expect("the whole log");
        for end in lines(&log) {
            // Rotated: the second night reads another file.
            let first = run(&[file(folder.path(), "a.log", &log[..end])], &Known::default(), &options);
            let Ok(first) = first else { continue };
            let Ok(second) = run(&[file(folder.path(), "b.log", &log[end..])], &known(&first), &options) else { continue };
            assert_eq!(deliveries([&first, &second]), deliveries([&whole]), "{} rotated at {end}", case.display());
            assert_eq!(second.pending_deliveries, whole.pending_deliveries, "{} rotated at {end}", case.display());
            assert_eq!(second.pending, whole.pending, "{} rotated at {end}", case.display());
            // Grown: it reads on in the same one.
            let second = run(&[file(folder.path(), "a.log", &log)], &known(&first), &options).expect("the grown log");
            assert_eq!(deliveries([&first, &second]), deliveries([&whole]), "{} grown from {end}", case.display());
        }
    }
}

#[test]
fn grown_by_single_bytes() {
    for kind in FormatKind::ALL {
        let case = &case_files(kind)[0];
        let log = fs::read(case).expect("a case");
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { format: Some(kind), ..options() };
        let whole = run(&[file(folder.path(), "whole.log", &log)], &Known::default(), &options).expect("the whole log");
        for end in (0..log.len()).step_by(7) {
            let Ok(first) = run(&[file(folder.path(), "a.log", &log[..end])], &Known::default(), &options) else { continue };
            let second = run(&[file(folder.path(), "a.log", &log)], &known(&first), &options).expect("the grown log");
            assert_eq!(deliveries([&first, &second]), deliveries([&whole]), "{} grown from byte {end}", case.display());
        }
    }
}
