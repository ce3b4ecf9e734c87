//! Compressed inputs by their first bytes, never by their name, each with a cap on what comes out; UTF-16 likewise, as
//! PowerShell 5 writes what it exports.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs_io::DecodeReaderBytes;

/// Output allowed for each byte of input; mail logs stay well under 200, bombs start at 1,000.
const RATIO: u64 = 500;

/// Output allowed whatever the ratio, so that small files of equal lines pass.
const FREE: u64 = 64 << 20;

/// Output allowed at all.
const LIMIT: u64 = 1 << 40;

/// A reader of the plain text in `raw`, and whether `raw` holds it in another form.
pub(crate) fn unpack<'r>(raw: impl Read + Send + 'r) -> io::Result<(Box<dyn Read + Send + 'r>, bool)> {
    let mut raw = BufReader::with_capacity(128 << 10, raw);
    let magic = {
        // One read may bring less than a magic number, from a pipe; files bring all they have.
        let head = raw.fill_buf()?;
        Packing::of(head)
    };
    let Some(packing) = magic else {
        return Ok((Box::new(raw), false));
    };
    let counted = Counted { inner: raw, read: 0 };
    let plain: Box<dyn Inner + Send + 'r> = match packing {
        // Each unit of two bytes becomes three at most: no cap is needed.
        Packing::Utf16 => return Ok((Box::new(DecodeReaderBytes::new(counted)), true)),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(counted)?),
        Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(counted)),
        Packing::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(counted)),
    };
    Ok((Box::new(Capped { plain, written: 0 }), true))
}

#[derive(Debug, Clone, Copy)]
enum Packing {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Utf16,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        [
            (&[0x1f, 0x8b][..], Packing::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd][..], Packing::Zstd),
            (b"BZh", Packing::Bzip2),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0][..], Packing::Xz),
            (&[0xff, 0xfe][..], Packing::Utf16),
            (&[0xfe, 0xff][..], Packing::Utf16),
        ]
        .into_iter()
        .find_map(|(magic, packing)| head.starts_with(magic).then_some(packing))
    }
}

/// How much of the compressed bytes a decoder took.
struct Counted<R> {
    inner: R,
    read: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read += n as u64;
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount as u64;
        self.inner.consume(amount);
    }
}

/// A decoder that can tell how much it was fed.
trait Inner: Read {
    fn fed(&self) -> u64;
}

impl<R: BufRead> Inner for flate2::bufread::MultiGzDecoder<Counted<R>> {
    fn fed(&self) -> u64 {
        self.get_ref().read
    }
}

impl<R: BufRead> Inner for zstd::stream::read::Decoder<'_, Counted<R>> {
    fn fed(&self) -> u64 {
        self.get_ref().read
    }
}

impl<R: BufRead> Inner for bzip2::bufread::MultiBzDecoder<Counted<R>> {
    fn fed(&self) -> u64 {
        self.get_ref().read
    }
}

impl<R: BufRead> Inner for liblzma::bufread::XzDecoder<Counted<R>> {
    fn fed(&self) -> u64 {
        self.get_ref().read
    }
}

struct Capped<'r> {
    plain: Box<dyn Inner + Send + 'r>,
    written: u64,
}

impl Read for Capped<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.plain.read(buf)?;
        self.written += n as u64;
        if self.written > LIMIT || self.written > FREE.max(self.plain.fed().saturating_mul(RATIO)) {
            return Err(io::Error::other("it unpacks to far more than a log would; the rest is left unread"));
        }
        Ok(n)
    }
}
