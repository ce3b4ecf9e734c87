//! What can be wrong with an input, and what is known again.

use std::io::Write;

use super::*;

const RECORD: &str =
    r#"{"from":"a@example.cn","to":"b@example.com","start_time":"2022-06-08 01:02:03","delivery_result":["250 OK"]}"#;

fn records(n: usize) -> String {
    (0..n).map(|i| RECORD.replace("a@", &format!("a{i}@")) + "\n").collect()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).and_then(|()| out.finish()).expect("memory")
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(bytes).and_then(|()| out.finish()).expect("memory")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
    out.write_all(bytes).and_then(|()| out.finish()).expect("memory")
}

fn first_night(inputs: &[PathBuf]) -> Reading<Vec<String>> {
    run(inputs, &Known::default(), &options()).expect("a reading")
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect()
}

#[test]
fn utf_16_is_read_as_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = records(40).replace("a0@", "\u{5f20}@").replace('\n', "\r\n");
    for (name, unit) in [("le.json", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("be.json", u16::to_be_bytes)] {
        let reading = first_night(&[file(folder.path(), name, &utf16(&text, unit))]);
        assert_eq!((reading.inputs[0].records, reading.inputs[0].rejected, reading.inputs[0].lossy), (40, 0, 0));
        assert!(reading.workers.concat().iter().any(|mail| mail.contains('\u{5f20}')));
    }
}

#[test]
fn packed_in_every_way_and_in_several_pieces() {
    let folder = tempfile::tempdir().expect("a folder");
    let (head, tail) = (records(3), records(5));
    for (name, pack) in [("gz", gzip as fn(&[u8]) -> Vec<u8>), ("zst", zst), ("bz2", bz2), ("xz", xz)] {
        // The name says nothing: the bytes do.
        let path =
            file(folder.path(), &format!("log-{name}"), &[pack(head.as_bytes()), pack(tail.as_bytes())].concat());
        let reading = first_night(std::slice::from_ref(&path));
        assert_eq!(reading.inputs[0].records, 8, "{name}");
        // Broken off: what came before is read, and it is said.
        let whole = fs::read(&path).expect("the file");
        for end in 1..whole.len() {
            match run(
                &[file(folder.path(), "cut", &whole[..end])],
                &Known::default(),
                &Options { format: Some(FormatKind::Coremail), ..options() },
            ) {
                Ok(cut) => assert!(cut.inputs[0].records <= 8),
                Err(Error::Unrecognised { .. }) => {}
                Err(e) => panic!("{name} cut at {end}: {e}"),
            }
        }
        let cut = first_night(&[file(folder.path(), "cut", &whole[..whole.len() - 3])]);
        assert_eq!(cut.inputs[0].rejected, 1, "{name}: {:?}", cut.rejects);
    }
}

#[test]
fn known_again_under_any_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = records(2000);
    let path = file(folder.path(), "x.log", text.as_bytes());
    let first = first_night(std::slice::from_ref(&path));
    assert_eq!((first.inputs[0].records, first.inputs[0].already_seen), (2000, 0));
    let again = file(folder.path(), "x.log.1.gz", &gzip(text.as_bytes()));
    for inputs in [vec![path.clone()], vec![again.clone()], vec![path.clone(), again]] {
        let second = run(&inputs, &known(&first), &options()).expect("a reading");
        assert!(deliveries([&second]).is_empty());
        assert!(second.inputs.iter().all(|c| (c.records, c.already_seen) == (0, 2000)), "{:?}", second.inputs);
        assert_eq!((second.marks.len(), second.pending.as_slice()), (1, first.pending.as_slice()));
    }
    // Twice in one run.
    let twice = first_night(&[path.clone(), path.clone()]);
    assert_eq!(twice.inputs.iter().map(|c| (c.records, c.already_seen)).collect::<Vec<_>>(), [(2000, 0), (0, 2000)]);
    // Grown, then cut off and written anew.
    let grown =
        run(&[file(folder.path(), "x.log", (text.clone() + RECORD + "\n").as_bytes())], &known(&first), &options())
            .expect("a reading");
    assert_eq!((grown.inputs[0].records, grown.inputs[0].already_seen), (1, 2000));
    let anew =
        run(&[file(folder.path(), "x.log", records(10).replace("b@", "c@").as_bytes())], &known(&grown), &options())
            .expect("a reading");
    assert_eq!((anew.inputs[0].records, anew.inputs[0].already_seen), (10, 0));
}

#[test]
fn a_last_line_without_its_end_waits_unless_it_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(folder.path(), "x.log", format!("{}{}", records(3), &RECORD[..40]).as_bytes());
    let first = first_night(std::slice::from_ref(&path));
    assert_eq!((first.inputs[0].records, first.inputs[0].rejected), (3, 1), "{:?}", first.rejects);
    file(folder.path(), "x.log", format!("{}{RECORD}", records(3)).as_bytes());
    let second = run(std::slice::from_ref(&path), &known(&first), &options()).expect("a reading");
    assert_eq!((second.inputs[0].records, second.inputs[0].rejected), (1, 0), "whole without its end");
    file(folder.path(), "x.log", format!("{}{RECORD}\n{RECORD}\n", records(3)).as_bytes());
    let third = run(std::slice::from_ref(&path), &known(&second), &options()).expect("a reading");
    assert_eq!((third.inputs[0].records, third.inputs[0].already_seen), (1, 4));
}

#[test]
fn bad_input_has_its_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.log");
    assert!(matches!(run(&[missing], &Known::default(), &options()), Err(Error::Read { .. })));
    let junk: Vec<u8> = (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let junk = file(folder.path(), "junk.log", &junk);
    let good = file(folder.path(), "good.log", records(2).as_bytes());
    assert!(
        matches!(run(&[good, junk.clone()], &Known::default(), &options()), Err(Error::Unrecognised { .. })),
        "named, so not left out"
    );
    assert!(matches!(run(&[junk], &Known::default(), &options()), Err(Error::Unrecognised { recognised: 0, .. })));
    let half = file(folder.path(), "half.log", format!("{}{}", records(2), "junk\n".repeat(3)).as_bytes());
    assert!(matches!(
        run(&[half], &Known::default(), &options()),
        Err(Error::Unrecognised { recognised: 2, lines: 5, .. })
    ));
    let empty = tempfile::tempdir().expect("a folder");
    file(empty.path(), "notes.md", b"no log");
    file(empty.path(), ".hidden.log", records(3).as_bytes());
    assert!(matches!(run(&[empty.path().to_owned()], &Known::default(), &options()), Err(Error::NoInput { .. })));
    file(empty.path(), "wtmp", &[0; 5000]);
    assert!(matches!(run(&[empty.path().to_owned()], &Known::default(), &options()), Err(Error::NoInput { .. })));
    assert!(matches!(run(&[empty.path().join("*.nolog")], &Known::default(), &options()), Err(Error::NoInput { .. })));
    let none = file(empty.path(), "mail.log", b"");
    assert_eq!(run(&[none], &Known::default(), &options()).expect("an empty log is a quiet day").inputs[0].lines, 0);
    let odd = Known { pending: b"[7,{}]".to_vec(), ..Known::default() };
    assert!(matches!(run(&[], &odd, &options()), Err(Error::NoInput { .. } | Error::Data { .. })));
    assert!(matches!(read::<()>(Vec::new(), &odd, &options(), &|| (), &|(), _| {}, &|_| {}), Err(Error::Data { .. })));
}

#[test]
fn a_folder_is_read_in_order_and_says_what_it_leaves_out() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("b")).expect("a folder");
    file(folder.path(), "b/two.log.gz", &gzip(records(2).as_bytes()));
    file(folder.path(), "a.log", records(1).as_bytes());
    file(folder.path(), "wtmp", &[0; 5000]);
    file(folder.path(), "truth.jsonl", b"{\"from\":\"a@b\",\"to\":\"c@d\",\"registrable\":true}\n");
    let reading = first_night(&[folder.path().to_owned()]);
    assert_eq!(
        reading.inputs.iter().map(|c| (c.format.as_str(), c.records)).collect::<Vec<_>>(),
        [("coremail", 1), ("coremail", 1), ("unknown", 0), ("unknown", 0)]
    );
    assert_eq!(reading.inputs[1].already_seen, 1, "two.log.gz begins as a.log and goes on");
    assert_eq!(reading.rejects.len(), 2);
    let pattern = first_night(&[folder.path().join("*/t*.gz")]);
    assert_eq!(pattern.inputs.len(), 1);
}

#[test]
fn a_table_in_a_folder_is_a_log_where_its_columns_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let accounting = "type,timeLogged,timeQueued,orig,rcpt,dsnAction,dsnStatus,dsnDiag\n\
                      b,2022-07-02 10:00:05+0200,2022-07-02 10:00:00+0200,a@b.example,c@d.example,failed,5.1.1,smtp;550 5.1.1 no\n";
    file(folder.path(), "acct-2022-07-02-0000.csv", accounting.as_bytes());
    file(folder.path(), "squatting.csv", b"domain,status\ngmial.com,registrable\n");
    let reading = first_night(&[folder.path().to_owned()]);
    assert_eq!(
        reading.inputs.iter().map(|c| (c.format.as_str(), c.records)).collect::<Vec<_>>(),
        [("powermta", 1), ("unknown", 0)]
    );
}

#[test]
fn long_lines_and_bombs_stay_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = format!("{}{}\n{}", records(1), "x".repeat(9 << 20), records(2));
    let reading = first_night(&[file(folder.path(), "long.log", long.as_bytes())]);
    let c = &reading.inputs[0];
    assert_eq!((c.records, c.rejected, c.lines), (3, 1, 4), "{:?}", reading.rejects);
    let bomb = zst(&[records(1).into_bytes(), vec![b'\n'; 200 << 20]].concat());
    let reading = first_night(&[file(folder.path(), "bomb.zst", &bomb)]);
    assert_eq!((reading.inputs[0].records, reading.inputs[0].rejected), (1, 1), "{:?}", reading.rejects);
    assert!(reading.rejects[0].cause.contains("unpacks to far more"));
}

#[test]
fn a_bad_start_stops_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let nuls = |n: usize| vec![0; n];
    let line = |n: usize| [vec![b'x'; n], b"\n".to_vec()].concat();
    for (name, start, rejected) in [
        ("some.log", nuls(70_000), 0),
        ("few.log", nuls(10), 0),
        ("many.log", nuls(9 << 20), 0),
        ("line.log", line(70_000), 1),
        ("lines.log", [line(40_000), line(40_000)].concat(), 2),
        ("long.log", line(9 << 20), 1),
        ("both.log", [nuls(70_000), line(70_000)].concat(), 1),
    ] {
        let path = file(folder.path(), name, &[start.clone(), records(50).into_bytes()].concat());
        let reading = first_night(std::slice::from_ref(&path));
        let c = &reading.inputs[0];
        assert_eq!((c.records, c.rejected), (50, rejected), "{name}: {:?}", reading.rejects);
        file(folder.path(), name, &[start, records(60).into_bytes()].concat());
        let next = run(&[path], &known(&reading), &options()).expect("a reading");
        assert_eq!((next.inputs[0].records, next.inputs[0].already_seen), (10, 50), "{name}");
    }
}

#[test]
fn an_empty_log_is_a_quiet_day_even_packed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in
        [("a.log", Vec::new()), ("b.log.gz", gzip(b"")), ("c.log.zst", zst(b"\n")), ("d.log", b"\n\n".to_vec())]
    {
        let reading = first_night(&[file(folder.path(), name, &bytes)]);
        assert_eq!((reading.inputs[0].records, reading.inputs[0].rejected), (0, 0), "{name}");
    }
}

#[test]
fn a_pipe_is_read_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mkfifo here");
        return;
    }
    let to = pipe.clone();
    let writer = std::thread::spawn(move || fs::write(to, gzip(records(5).as_bytes())));
    let reading = first_night(&[pipe]);
    writer.join().expect("no panic").expect("the pipe takes it");
    assert_eq!(reading.inputs[0].records, 5);
}

#[test]
fn syslog_of_others_is_said_to_be_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "Jan  8 10:00:00 mx opensmtpd[7]: 308A0001: from=<a@example.org>, size=1, nrcpts=1\n";
    let reading = first_night(&[file(folder.path(), "maillog", line.repeat(3).as_bytes())]);
    assert_eq!((reading.inputs[0].records, reading.rejects.len()), (0, 1));
    assert_eq!(reading.rejects[0].cause, "none of its 3 lines is of postfix");
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(folder.path(), "x.log", records(60_000).as_bytes());
    let with = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads")
            .install(|| first_night(std::slice::from_ref(&path)))
    };
    let (one, many) = (with(1), with(5));
    // A join has lanes to spare beside one a core.
    assert_eq!((one.workers.len(), many.workers.len()), (1, 7));
    assert_eq!(deliveries([&one]), deliveries([&many]));
    assert_eq!((one.inputs, one.marks), (many.inputs, many.marks));
}

#[test]
fn packed_generations_are_unpacked_beside_each_other_and_read_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    // A mail's lines go over the generations; each but the last is longer than what is unpacked before its turn, or not.
    let line =
        |n: usize, what: &str| format!("2022-06-{:02}T10:00:{:02}Z mx postfix/{what}\n", 1 + n / 60_000, n / 1000 % 60);
    let id = |n: usize| format!("A{n:07}");
    let day = |from: usize, to: usize| -> String {
        (from..to)
            .map(|n| {
                let (id, before) = (id(n), id(n.saturating_sub(100)));
                line(n, &format!("pickup[3]: {id}: uid=0 from=<a@x.example>"))
                    + &line(n, &format!("qmgr[1]: {id}: from=<a@x.example>, size=1, nrcpt=1 (queue active)"))
                    + &line(n, &format!("smtp[2]: {before}: to=<b{n}@y.example>, relay=none, delay=1, delays=0/0/1/0, dsn=5.4.4, status=bounced (no host)"))
                    + &line(n, &format!("qmgr[1]: {before}: removed"))
            })
            .collect()
    };
    let ends = [0, 3_000, 100_000, 101_000, 160_000, 160_500, 161_000];
    let packs = [gzip as fn(&[u8]) -> Vec<u8>, zst, bz2, xz, gzip, zst];
    let paths: Vec<PathBuf> = (0..6)
        .map(|n| file(folder.path(), &format!("mail.log.{}.p", 6 - n), &packs[n](day(ends[n], ends[n + 1]).as_bytes())))
        .collect();
    let with = |threads, known: &Known| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads")
            .install(|| run(&paths, known, &options()).expect("a reading"))
    };
    let (one, many) = (with(1, &Known::default()), with(5, &Known::default()));
    assert!(deliveries([&one]) == deliveries([&many]));
    assert_eq!((&one.inputs, &one.marks, &one.pending), (&many.inputs, &many.marks, &many.pending));
    assert_eq!(one.inputs.iter().map(|count| count.records).sum::<u64>(), 161_000);
    // Known again, and one of them grown.
    let again = with(5, &known(&many));
    assert!(deliveries([&again]).is_empty());
    assert_eq!(again.marks, many.marks);
    fs::write(&paths[5], zst(day(ends[5], ends[6] + 50).as_bytes())).expect("a temporary folder can be written");
    let grown = with(5, &known(&again));
    assert_eq!((grown.inputs[5].records, grown.inputs[5].already_seen), (50, many.inputs[5].records));
}

#[test]
fn a_panic_while_learning_ends_the_reading_and_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = "2022-06-08T10:00:00Z mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 5.1.1 <b@y.example>: no; from=<a@x.example> to=<b@y.example> proto=ESMTP helo=<a>\n";
    let lines = file(folder.path(), "mail.log", line.repeat(40_000).as_bytes());
    let records = file(folder.path(), "x.log", records(40_000).as_bytes());
    for (path, threads) in [(&lines, 1), (&lines, 2), (&lines, 5), (&records, 2), (&records, 5)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let inputs = open(&[path.display().to_string()], &options()).expect("a log");
        let add = |learned: &mut u64, _: &Delivery<'_>| {
            *learned += 1;
            assert!(*learned < 5_000, "as told");
        };
        let reading = std::panic::AssertUnwindSafe(|| {
            pool.install(|| read(inputs, &Known::default(), &options(), &|| 0, &add, &|_| {}).is_ok())
        });
        assert!(std::panic::catch_unwind(reading).is_err(), "{threads} threads");
    }
}
