//! A log read in two nights, split at any line, gives what one night gives.

use super::*;

fn lines(log: &[u8]) -> Vec<usize> {
    (0..log.len()).filter(|&at| log[at] == b'\n').map(|at| at + 1).collect()
}

/// Splits `log` at every `step`th line; returns how many splits were held.
pub(super) fn check(case: &Path, step: usize, in_order: bool) -> usize {
    let log = fs::read(case).expect("a case");
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { settle: false, ..options() };
    let whole = run(&[file(folder.path(), "whole.log", &log)], &Known::default(), &options).expect("the whole log");
    let mut held = 0;
    for end in lines(&log).into_iter().step_by(step) {
        // An input of blanks is a quiet day, and not read; here it would be the end of an entry.
        if log[end..].iter().all(u8::is_ascii_whitespace) && end < log.len() {
            continue;
        }
        // Rotated: the second night reads another file. A part may be of bad lines only, and stop the night.
        let Ok(first) = run(&[file(folder.path(), "a.log", &log[..end])], &Known::default(), &options) else {
            continue;
        };
        let Ok(second) = run(&[file(folder.path(), "b.log", &log[end..])], &known(&first), &options) else {
            continue;
        };
        assert_eq!(deliveries([&first, &second]), deliveries([&whole]), "{} rotated at {end}", case.display());
        assert_eq!(second.pending_deliveries, whole.pending_deliveries, "{} rotated at {end}", case.display());
        assert_eq!(second.pending, whole.pending, "{} rotated at {end}", case.display());
        // Both parts in one night, named so that the newer one comes first in the folder.
        let (newer, older) =
            (file(folder.path(), "mail.log", &log[end..]), file(folder.path(), "mail.log.1", &log[..end]));
        if in_order
            && end < log.len()
            && FormatKind::parse(&second.inputs[0].format).is_some_and(|kind| kind.family() == "lines")
        {
            let both = run(&[newer, older], &Known::default(), &options).expect("both parts");
            assert_eq!(deliveries([&both]), deliveries([&whole]), "{} in two files at {end}", case.display());
        }
        // Grown: it reads on in the same one.
        let second = run(&[file(folder.path(), "a.log", &log)], &known(&first), &options).expect("the grown log");
        assert_eq!(deliveries([&first, &second]), deliveries([&whole]), "{} grown from {end}", case.display());
        held += 1;
    }
    held
}

#[test]
fn a_log_of_last_year_is_not_of_this() {
    let line = |stamp: &str| {
        format!(
            "{stamp} 10:00:00 mx postfix/smtp[1]: ABCDE: to=<a@example.net>, relay=none, delay=1, delays=0/0/1/0, dsn=5.1.0, status=bounced (no)\n"
        )
    };
    let folder = tempfile::tempdir().expect("a folder");
    // The clock says 15 January 2023.
    for (stamps, first) in [
        (["Jan 10", "Jan 12"], "2023-01-10"),
        (["Jan 10", "Jan 20"], "2022-01-10"),
        (["Dec 30", "Jan  2"], "2022-12-30"),
        (["Jan 12", "Jan 10"], "2022-01-12"),
    ] {
        let log = stamps.map(line).concat();
        let reading =
            run(&[file(folder.path(), "a.log", log.as_bytes())], &Known::default(), &options()).expect("a log");
        assert!(deliveries([&reading]).concat().contains(first), "{stamps:?}");
    }
    let months =
        ["Nov", "Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan"];
    let log: String = months.map(|month| line(&format!("{month}  1"))).concat();
    let reading = run(&[file(folder.path(), "c.log", log.as_bytes())], &Known::default(), &options()).expect("a log");
    let told = deliveries([&reading]);
    assert!(told[0].contains("2021-11-01") && told[14].contains("2023-01-01"), "{told:?}");
    // Packed, too, whether its beginning holds all or little of it.
    for often in [1, 40] {
        let day = |month: &str, day: usize| {
            let line = line(&format!("{month} {day:2}"));
            (0..often).map(|n| line.replace("a@", &format!("{:x}@", (n * 28 + day).pow(5)))).collect::<String>()
        };
        let log: String = months.iter().flat_map(|month| (1..=28).map(move |d| day(month, d))).collect();
        // The last days lie in the future: the log ends before them.
        let end = log.rfind("Jan 14 ").expect("the day");
        let packed = zstd::encode_all(&log.as_bytes()[..end], 3).expect("memory");
        let reading = run(&[file(folder.path(), "d.log.zst", &packed)], &Known::default(), &options()).expect("a log");
        let told = deliveries([&reading]).concat();
        assert!(told.contains("2021-11-01") && !told.contains("2020-") && told.contains("2023-01-13"), "{often}");
    }
    let dated = "2023-01-12T10:00:00Z mx postfix/qmgr[1]: ABCDE: removed\n2023-01-02T10:00:00Z mx postfix/qmgr[1]: ABCDE: removed\n";
    let opened =
        open(&[file(folder.path(), "b.log", dated.as_bytes()).display().to_string()], &options()).expect("a log");
    assert_eq!((opened[0].year, opened[0].first), (None, Timestamp::parse("2023-01-12T10:00:00Z")));
}

#[test]
fn split_at_every_line() {
    // A table's later part has no columns, and a mail is more than its lines.
    let of_lines = |kind: &FormatKind| !matches!(kind, FormatKind::PowerMta | FormatKind::Exchange | FormatKind::Dsn);
    for case in FormatKind::ALL.into_iter().filter(of_lines).flat_map(case_files) {
        assert!(check(&case, 1, true) > 0, "{}", case.display());
    }
}

/// Records of a case, printed over many lines: one after the other, or in one array.
fn printed(case: &Path, in_array: bool) -> String {
    let text = fs::read_to_string(case).expect("a case");
    let values = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let records: Vec<serde_json::Value> = values
        .flat_map(|value| match value {
            serde_json::Value::Array(list) => list,
            other => vec![other],
        })
        .collect();
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).expect("JSON") + "\n";
    if in_array { pretty(&records.into()) } else { records.iter().map(pretty).collect() }
}

#[test]
fn a_record_printed_over_many_lines_waits_for_its_end() {
    let kinds = [FormatKind::KumoMta, FormatKind::SendGrid, FormatKind::Mailgun, FormatKind::Webhooks];
    for (kind, in_array) in kinds.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let log = printed(&case_files(kind)[0], in_array);
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { format: Some(kind), ..options() };
        let night = |bytes: &str, before: &Known| {
            run(&[file(folder.path(), "a.log", bytes.as_bytes())], before, &options).expect("a log")
        };
        let whole = night(&log, &Known::default());
        assert!(whole.inputs[0].records > 0, "{kind:?}");
        let ends = lines(log.as_bytes());
        for (at, end) in ends.iter().enumerate() {
            let first = night(&log[..*end], &Known::default());
            let (rejected, expected) = (first.inputs[0].rejected, whole.inputs[0].rejected);
            assert!(rejected <= expected, "{kind:?} cut at {end}: {:?}", first.rejects);
            // A third night in between, in which nothing ends that was open, changes nothing either.
            let between = night(&log[..ends[(at + 3).min(ends.len() - 1)]], &known(&first));
            let last = night(&log, &known(&between));
            assert_eq!(deliveries([&first, &between, &last]), deliveries([&whole]), "{kind:?} cut at {end}");
            assert_eq!(last.pending, whole.pending, "{kind:?} cut at {end}");
            assert_eq!(last.marks[0].offset, whole.marks[0].offset, "{kind:?} cut at {end}");
            let rejected: u64 = [&first, &between, &last].iter().map(|r| r.inputs[0].rejected).sum();
            assert_eq!(rejected, whole.inputs[0].rejected, "{kind:?} cut at {end}");
        }
    }
}

#[test]
fn what_will_not_grow_says_that_a_record_breaks_off() {
    use std::io::Write;
    let log = printed(&case_files(FormatKind::KumoMta)[0], false);
    let cut = lines(log.as_bytes())[5];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&log.as_bytes()[..cut]).expect("memory");
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { format: Some(FormatKind::KumoMta), ..options() };
    let path = file(folder.path(), "a.log.gz", &packed.finish().expect("memory"));
    let Err(Error::Unrecognised { recognised: 0, lines: 1, .. }) = run(&[path], &Known::default(), &options) else {
        panic!("an object without its end is no record")
    };
}

#[test]
fn grown_by_single_bytes() {
    for kind in FormatKind::ALL.into_iter().filter(|kind| *kind != FormatKind::Dsn) {
        let case = &case_files(kind)[0];
        let log = fs::read(case).expect("a case");
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { format: Some(kind), ..options() };
        let whole = run(&[file(folder.path(), "whole.log", &log)], &Known::default(), &options).expect("the whole log");
        for end in (0..log.len()).step_by(7) {
            let Ok(first) = run(&[file(folder.path(), "a.log", &log[..end])], &Known::default(), &options) else {
                continue;
            };
            let second = run(&[file(folder.path(), "a.log", &log)], &known(&first), &options).expect("the grown log");
            assert_eq!(deliveries([&first, &second]), deliveries([&whole]), "{} grown from byte {end}", case.display());
        }
    }
}
