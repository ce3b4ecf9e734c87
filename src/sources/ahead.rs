//! Packed files unpacked before their turn, each by a thread of its own: a log and its rotated generations are read one
//! after the other, but unpacking them need not be.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::Scope,
};

use super::{Input, unpack};

/// Plain bytes of an input.
pub(super) type Stream<'s> = Box<dyn Read + Send + 's>;

/// Files unpacked beside the one that is read.
const FILES: usize = 4;

/// Blocks unpacked of each before they are asked for, and bytes in one.
const BLOCKS: usize = 64;
const BLOCK: u64 = 256 << 10;

/// The inputs of a run, in the order in which they are read.
pub(super) struct Unpacking<'s, 'i> {
    scope: &'s Scope<'s, 'i>,
    inputs: &'i [Input],
    order: &'i [usize],
    /// Told how many bytes of the files went by.
    pub(super) progress: &'i (dyn Fn(u64) + Sync),
    early: BTreeMap<usize, Stream<'i>>,
    /// How many of `order` need no more looking at.
    looked: usize,
}

impl<'s, 'i> Unpacking<'s, 'i> {
    /// Nothing is begun with yet.
    pub(super) fn new(
        scope: &'s Scope<'s, 'i>,
        inputs: &'i [Input],
        order: &'i [usize],
        progress: &'i (dyn Fn(u64) + Sync),
    ) -> Self {
        Unpacking { scope, inputs, order, progress, early: BTreeMap::new(), looked: 0 }
    }

    /// It is the turn of the input at `place` of the order: the packed ones after it are begun with.
    pub(super) fn turn(&mut self, place: usize) {
        let others = FILES.min(rayon::current_num_threads().saturating_sub(1));
        self.looked = self.looked.max(place + 1);
        while self.early.len() < others && self.looked < self.order.len() {
            let at = self.order[self.looked];
            self.looked += 1;
            let input = &self.inputs[at];
            // What cannot be opened now says so when its turn comes.
            if input.packed
                && input.format.is_some()
                && input.is_file()
                && let Ok(plain) = self.open(at)
            {
                let (early, unpacker) = early(plain);
                self.scope.spawn(unpacker);
                self.early.insert(at, Box::new(early));
            }
        }
    }

    /// The plain bytes of an input.
    pub(super) fn stream(&mut self, at: usize) -> io::Result<Stream<'i>> {
        self.early.remove(&at).map_or_else(|| self.open(at), Ok)
    }

    fn open(&self, at: usize) -> io::Result<Stream<'i>> {
        Ok(unpack::unpack(Told { inner: self.inputs[at].raw()?, progress: self.progress })?.0)
    }
}

enum Block<'s> {
    Bytes(Vec<u8>),
    Broken(io::Error),
    /// The turn has come: who reads unpacks the rest.
    Rest(Stream<'s>),
}

/// A stream of which some is unpacked before it is asked for, and what does so.
fn early<'s>(plain: Stream<'s>) -> (Early<'s>, impl FnOnce() + Send + 's) {
    let (send, blocks) = mpsc::sync_channel(BLOCKS);
    let (used, spare) = mpsc::channel();
    let turn = Arc::new(AtomicBool::new(false));
    let come = turn.clone();
    let early = Early { blocks, used, turn, block: Vec::new(), at: 0, rest: None };
    (early, move || unpack_early(plain, &send, &spare, &come))
}

fn unpack_early<'s>(
    mut plain: Stream<'s>,
    blocks: &mpsc::SyncSender<Block<'s>>,
    spare: &mpsc::Receiver<Vec<u8>>,
    turn: &AtomicBool,
) {
    while !turn.load(Ordering::Relaxed) {
        let mut bytes = spare.try_recv().unwrap_or_default();
        bytes.clear();
        bytes.reserve_exact(BLOCK as usize);
        let read = (&mut plain).take(BLOCK).read_to_end(&mut bytes);
        if !bytes.is_empty() && blocks.send(Block::Bytes(bytes)).is_err() {
            return;
        }
        match read {
            Ok(0) => return,
            Ok(_) => {}
            Err(e) => {
                // If nobody reads it any more, nobody misses it.
                let _ = blocks.send(Block::Broken(e));
                return;
            }
        }
    }
    let _ = blocks.send(Block::Rest(plain));
}

/// An input that was begun with early.
struct Early<'s> {
    blocks: mpsc::Receiver<Block<'s>>,
    /// The memory of blocks done with goes back.
    used: mpsc::Sender<Vec<u8>>,
    turn: Arc<AtomicBool>,
    block: Vec<u8>,
    at: usize,
    rest: Option<Stream<'s>>,
}

impl Read for Early<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.turn.store(true, Ordering::Relaxed);
        loop {
            if let Some(rest) = &mut self.rest {
                return rest.read(buf);
            }
            if self.at < self.block.len() {
                let n = buf.len().min(self.block.len() - self.at);
                buf[..n].copy_from_slice(&self.block[self.at..self.at + n]);
                self.at += n;
                return Ok(n);
            }
            match self.blocks.recv() {
                Ok(Block::Bytes(bytes)) => {
                    // Where all is unpacked, it is wanted no more.
                    let _ = self.used.send(std::mem::replace(&mut self.block, bytes));
                    self.at = 0;
                }
                Ok(Block::Broken(cause)) => return Err(cause),
                Ok(Block::Rest(rest)) => {
                    self.block = Vec::new();
                    self.rest = Some(rest);
                }
                Err(_) => return Ok(0),
            }
        }
    }
}

/// Tells how many bytes of the file went by.
struct Told<'p, R> {
    inner: R,
    progress: &'p (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        (self.progress)(n as u64);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time, then breaks off.
    struct Breaks(usize);

    impl Read for Breaks {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = buf.len().min(70_000).min(self.0);
            if n == 0 {
                return Err(io::Error::other("broken off"));
            }
            buf[..n].fill(b'x');
            self.0 -= n;
            Ok(n)
        }
    }

    fn begun(plain: Stream<'static>) -> Early<'static> {
        let (early, unpacker) = early(plain);
        std::thread::spawn(unpacker);
        early
    }

    #[test]
    fn all_bytes_come_in_order_and_what_broke_is_told_behind_them() {
        // Less than one block, more than all that are held.
        for size in [1, 300_000, 30_000_000] {
            let bytes: Vec<u8> = (0..size).map(|n: u32| (n / 7) as u8).collect();
            let mut read = Vec::new();
            let plain = io::Cursor::new(bytes.clone());
            begun(Box::new(plain)).read_to_end(&mut read).expect("memory");
            assert!(read == bytes, "{size}");
            let mut read = Vec::new();
            assert!(begun(Box::new(Breaks(size as usize))).read_to_end(&mut read).is_err());
            assert_eq!(read.len(), size as usize);
            // Left unread: the thread ends.
            drop(begun(Box::new(Breaks(size as usize))));
        }
    }
}
