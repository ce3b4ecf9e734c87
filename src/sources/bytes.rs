//! Bytes of a known format that are at hand already: a piece of a log, a mail, a webhook's body.

use super::{FormatKind, InputCount, Options, format::Reader, reject::Tally};
use crate::{delivery::Delivery, error::Error};

/// Bytes of a document's beginning that formats with a header look at.
const HEAD: usize = 4 << 10;

/// Reads `bytes` from the beginning of a line to its end; what is still open then counts as it stands.
pub fn read_bytes(
    kind: FormatKind,
    bytes: &[u8],
    options: &Options,
    emit: &mut dyn FnMut(&Delivery<'_>),
) -> Result<InputCount, Error> {
    let mut told = 0;
    let mut emit = |delivery: &Delivery<'_>| {
        told += 1;
        emit(delivery);
    };
    let tally = match kind.format().reader() {
        Reader::Lines(each) => each(bytes, options, &mut emit),
        Reader::Joined(start) => {
            let mut join = start(options, None)?;
            join.carrier(kind);
            join.begin(options.year.map(i64::from));
            join.head(&bytes[..bytes.len().min(HEAD)]);
            let mut tally = Tally::default();
            tally.append(join.chunk(bytes, &mut emit));
            tally.append(join.end(&mut emit));
            join.finish(true, &mut emit);
            tally
        }
    };
    Ok(InputCount {
        path: "-".to_owned(),
        format: kind.name().to_owned(),
        records: told,
        rejected: tally.rejected,
        already_seen: 0,
        lines: tally.lines,
        lossy: tally.lossy,
        ignored: tally.ignored,
        blind_to: kind.blind_to(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_a_log_is_read_where_it_lies() {
        let log = b"2022-06-08T10:00:00+00:00 mx postfix/qmgr[8]: 3F2A1B4C5D: from=<a@x.example>, size=9, nrcpt=1 (queue active)\n\
            2022-06-08T10:00:00+00:00 mx postfix/smtp[7]: 3F2A1B4C5D: to=<bob@y.example>, relay=none, delay=1, delays=1/0/0/0, dsn=5.4.4, status=bounced (Host or domain name not found)\n\
            2022-06-08T10:00:01+00:00 mx postfix/qmgr[8]: 3F2A1B4C5D: removed\n";
        let options = Options { year: Some(2022), settle: true, ..Options::default() };
        let mut told = Vec::new();
        let count =
            read_bytes(FormatKind::Postfix, log, &options, &mut |d| told.push(d.recipient.to_owned())).expect("read");
        assert_eq!((told, count.records, count.lines), (vec!["bob@y.example".to_owned()], 1, 3));
        let count = read_bytes(FormatKind::Coremail, b"{\n", &options, &mut |_| {}).expect("read");
        assert_eq!((count.records, count.rejected), (0, 1));
    }
}
