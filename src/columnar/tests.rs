use std::{fs, io::Cursor, path::Path};

use super::{Partial, Source, read, write_parquet, write_stream};
use crate::{
    learn::Lore,
    ledger::Contacts,
    shards,
    sources::{self, Options},
};

/// Few lines of many kinds: a bad one, a blank one, one without its end.
const LOG: &str = concat!(
    r#"{"from":"a@x.example","to":"b@y.example","start_time":"2022-06-08 10:00:00","end_time":"2022-06-08 10:00:05","from_ip":["192.0.2.1"],"delivery_result":["250 OK"]}"#,
    "\n\n",
    r#"{"from":"a@x.example","to":"c@y.example","start_time":"2022-06-08 10:00:00","from_ip":["192.0.2.1"],"delivery_result":["550 5.1.1 user unknown"]}"#,
    "\nno record\r\n",
    r#"{"from":"d@x.example","to":"b@y.example","start_time":"2022-06-07 10:00:00","from_ip":["192.0.2.1"],"delivery_result":["554 listed by zen.spamhaus.org","250 OK"]}"#,
);

fn options() -> Options {
    Options { format: Some(sources::FormatKind::Coremail), ..Options::default() }
}

fn partial(path: &Path, from: usize, length: usize, lore: &Lore) -> Partial {
    let split = sources::split(path, from as u64, length as u64, &options()).unwrap();
    shards::read(split, &options(), lore).unwrap().0
}

fn stream(partial: &Partial) -> Vec<u8> {
    let mut out = Vec::new();
    write_stream(partial, &mut out).unwrap();
    out
}

fn fold(streams: &[&[u8]]) -> Partial {
    let mut partial = Partial::default();
    for bytes in streams {
        read(&mut partial, "test", Source::Stream(Box::new(Cursor::new(bytes.to_vec())))).unwrap();
    }
    partial
}

#[test]
fn a_file_cut_at_any_byte_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, LOG).unwrap();
    let lore = Lore::load(None, None).unwrap();
    let whole = stream(&fold(&[&stream(&partial(&path, 0, LOG.len(), &lore))]));
    let told = fold(&[&whole]);
    let totals = told.totals().unwrap();
    assert_eq!((totals.lines, totals.bytes, totals.records, totals.rejects), (5, LOG.len() as u64, 3, 1));
    for at in 0..=LOG.len() {
        let head = stream(&partial(&path, 0, at, &lore));
        let tail = stream(&partial(&path, at, LOG.len() - at, &lore));
        for both in [[&head[..], &tail], [&tail, &head]] {
            let folded = fold(&both);
            folded.check().unwrap();
            assert!(stream(&folded) == whole, "cut at {at}");
        }
    }
}

#[test]
fn lost_and_doubled_rows_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, LOG).unwrap();
    let honest = partial(&path, 0, LOG.len(), &Lore::load(None, None).unwrap());
    fold(&[&stream(&honest)]).check().unwrap();
    let mut lost = honest.clone();
    lost.ledger.contacts = Contacts::default();
    let said = fold(&[&stream(&lost)]).check().unwrap_err().to_string();
    assert!(said.contains("contact rows") && said.contains("lost or taken twice"), "{said}");
    let mut unclaimed = honest.clone();
    unclaimed.claims.clear();
    assert!(fold(&[&stream(&unclaimed)]).check().unwrap_err().to_string().contains("no control totals"));
    // The rows of one part twice, its claims once.
    assert!(fold(&[&stream(&honest), &stream(&unclaimed)]).check().is_err());
}

#[test]
fn a_name_damaged_on_the_way_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, LOG).unwrap();
    let lore = Lore::load(None, None).unwrap();
    let honest = partial(&path, 0, LOG.len(), &lore);
    let whole = stream(&honest);
    for name in ["c@y.example", "d@x.example"] {
        let places = whole.windows(name.len()).enumerate().filter(|(_, w)| *w == name.as_bytes());
        let places: Vec<usize> = places.map(|(at, _)| at).collect();
        assert!(!places.is_empty(), "{name} is in no row");
        for at in places {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            let said = fold(&[&bytes]).check().unwrap_err().to_string();
            assert!(said.contains("bytes were damaged"), "{name} at {at}: {said}");
        }
    }
    // An export of an earlier version sums up no keys, alone or beside others.
    let mut old = honest.clone();
    old.claims.retain(|name, _| !name.ends_with(".keys"));
    fold(&[&stream(&old)]).check().unwrap();
    fold(&[&stream(&old), &whole]).check().unwrap();
}

/// Whatever is cut off or flipped: an error or rows, never the end of the program.
#[test]
fn damaged_bytes_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, LOG).unwrap();
    let one = partial(&path, 0, LOG.len(), &Lore::load(None, None).unwrap());
    let arrow = stream(&one);
    for end in 1..arrow.len() {
        let cut = Source::Stream(Box::new(Cursor::new(arrow[..end].to_vec())));
        assert!(read(&mut Partial::default(), "test", cut).is_err(), "cut at {end} of {}", arrow.len());
    }
    let mut parquet = Vec::new();
    write_parquet(&one, &mut parquet).unwrap();
    let damaged = dir.path().join("damaged");
    let mut refused = 0;
    for (whole, step) in [(&arrow, 3), (&parquet, 3)] {
        for at in (0..whole.len()).step_by(step) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&damaged, bytes).unwrap();
            let file = Source::File(fs::File::open(&damaged).unwrap());
            refused += usize::from(read(&mut Partial::default(), "test", file).is_err());
        }
    }
    assert!(refused > 100, "only {refused} refused");
    fs::write(&damaged, &parquet[..parquet.len() / 2]).unwrap();
    let file = Source::File(fs::File::open(&damaged).unwrap());
    assert!(read(&mut Partial::default(), "test", file).unwrap_err().to_string().contains("no intact Parquet file"));
}

#[test]
fn crowds_of_shards_are_one() {
    let crowded = |members: std::ops::Range<u64>| {
        let mut partial = Partial::default();
        members.for_each(|n| partial.ledger.strangers.crowd.add(crate::hash::stable_hash(&n.to_le_bytes())));
        partial.claim(None);
        partial
    };
    let folded = fold(&[&stream(&crowded(0..700)), &stream(&crowded(500..1_200)), &stream(&Partial::default())]);
    assert_eq!(folded.ledger.strangers.crowd.number()[1], 1_200);
}
