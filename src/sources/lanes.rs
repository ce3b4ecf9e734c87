//! Chunks of one input on all cores: read side by side, joined one after the other, learned side by side again.
//!
//! Chunk `n` is lane `n % lanes`'s, so that what a lane learns depends on their number only. The thread that calls unpacks
//! and cuts; a lane reads a chunk, waits until the join comes round, hands it on, and learns what it gave.

use std::{collections::BTreeMap, io::Read, sync::mpsc, thread};

use super::{
    Options,
    format::{Ahead, EachLine, Joined},
    lines::Read as LinesRead,
    parcel::Parcel,
    reject::Tally,
    split::{Chunk, Chunks},
};
use crate::delivery::Delivery;

/// How chunks become deliveries.
pub(super) enum Way<'w> {
    /// Each line for itself.
    Lines(EachLine),
    /// By a join, in their order.
    Joined(&'w mut dyn Joined),
}

/// A chunk that was read.
pub(super) struct Done {
    pub(super) chunk: Chunk,
    pub(super) tally: Tally,
    /// [`Joined::open_bytes`] behind it.
    pub(super) open: usize,
}

/// Who is told of chunks, in their order, by the thread that cuts them.
pub(super) trait Watch {
    /// Before a chunk is read; whether the stream broke off behind it.
    fn cut(&mut self, chunk: &mut Chunk, broken: bool);
    /// After it was.
    fn done(&mut self, done: &mut Done);
}

/// Where deliveries go.
pub(super) type Add<'a, W> = &'a (dyn Fn(&mut W, &Delivery<'_>) + Sync);

/// Chunks that wait for all lanes together (16 MiB), one a lane at least: where lanes and unpacking share the cores,
/// whoever has one gets ahead of the others.
const WAITING: usize = 32;

/// Lanes of a join beside one a core: those that wait for their turn leave their core to others.
const SPARE: usize = 2;

/// Lanes of a join: one after the other it gives no more work, and each lane's chunks take memory.
const JOINED: usize = 8;

/// Workers that one reading has use for.
pub fn workers() -> usize {
    match rayon::current_num_threads() {
        0 | 1 => 1,
        cores => cores.max(JOINED.min(cores + SPARE)),
    }
}

/// Reads all of `chunks`.
pub(super) fn run<R: Read, W: Send>(
    chunks: &mut Chunks<R>,
    way: Way<'_>,
    workers: &mut [W],
    options: &Options,
    add: Add<'_, W>,
    watch: &mut dyn Watch,
) {
    let most = if matches!(way, Way::Lines(_)) { rayon::current_num_threads() } else { JOINED };
    let lanes = workers.len().min(most.max(1));
    let workers = &mut workers[..lanes];
    if let [worker] = workers {
        return alone(chunks, way, worker, options, add, watch);
    }
    thread::scope(|scope| {
        let (back, returned) = mpsc::channel();
        let (turns, mine): (Vec<_>, Vec<_>) = (0..lanes).map(|_| mpsc::channel::<&mut dyn Joined>()).unzip();
        let reads = match &way {
            Way::Lines(each) => Reads::Alone(*each),
            Way::Joined(join) => Reads::InTurn(join.ahead()),
        };
        let mut feeds = Vec::with_capacity(lanes);
        for ((lane, worker), turn) in workers.iter_mut().enumerate().zip(mine) {
            let (feed, fed) = mpsc::sync_channel::<(u64, Chunk)>((WAITING / lanes).max(1));
            feeds.push(feed);
            let (back, next) = (back.clone(), turns[(lane + 1) % lanes].clone());
            let mut lane = Lane { reads, worker, options, add, parcel: Parcel::default(), turn, next };
            scope.spawn(move || {
                for (n, chunk) in fed {
                    // Without a turn, the lane before panicked: so will who waits for all.
                    let Some(done) = lane.read(chunk) else { return };
                    if back.send((n, done)).is_err() {
                        return;
                    }
                }
            });
        }
        // Only the lanes hold them from here on, so that one that panics is not waited for.
        drop(back);
        if let Way::Joined(join) = way {
            let _ = turns[0].send(join);
        }
        drop(turns);
        let mut order = Order::default();
        for (n, lane) in (0..).zip((0..lanes).cycle()) {
            let Some(mut chunk) = chunks.next() else { break };
            watch.cut(&mut chunk, chunks.broken.is_some());
            if feeds[lane].send((n, chunk)).is_err() {
                break;
            }
            for (n, done) in returned.try_iter() {
                order.put(n, done, &mut |mut done| {
                    watch.done(&mut done);
                    chunks.reuse(done.chunk);
                });
            }
        }
        drop(feeds);
        for (n, done) in returned {
            order.put(n, done, &mut |mut done| watch.done(&mut done));
        }
    });
}

/// The same on this thread.
fn alone<R: Read, W>(
    chunks: &mut Chunks<R>,
    mut way: Way<'_>,
    worker: &mut W,
    options: &Options,
    add: Add<'_, W>,
    watch: &mut dyn Watch,
) {
    while let Some(mut chunk) = chunks.next() {
        watch.cut(&mut chunk, chunks.broken.is_some());
        let emit = &mut |d: &Delivery<'_>| add(worker, d);
        let (tally, open) = match &mut way {
            Way::Lines(each) => (lines_of(&chunk, |bytes| each(bytes, options, emit)), 0),
            Way::Joined(join) => (lines_of(&chunk, |bytes| join.chunk(bytes, emit)), join.open_bytes()),
        };
        let mut done = Done { chunk, tally, open };
        watch.done(&mut done);
        chunks.reuse(done.chunk);
    }
}

/// How a lane reads.
#[derive(Clone, Copy)]
enum Reads {
    Alone(EachLine),
    InTurn(Option<Ahead>),
}

struct Lane<'l, 'j, W> {
    reads: Reads,
    worker: &'l mut W,
    options: &'l Options,
    add: Add<'l, W>,
    parcel: Parcel,
    /// The join comes from the lane before.
    turn: mpsc::Receiver<&'j mut dyn Joined>,
    /// And goes to the one behind.
    next: mpsc::Sender<&'j mut dyn Joined>,
}

impl<W> Lane<'_, '_, W> {
    fn read(&mut self, chunk: Chunk) -> Option<Done> {
        let Lane { reads, worker, options, add, parcel, turn, next } = self;
        let ahead = match reads {
            Reads::Alone(each) => {
                let tally = lines_of(&chunk, |bytes| each(bytes, options, &mut |d| add(worker, d)));
                return Some(Done { chunk, tally, open: 0 });
            }
            Reads::InTurn(ahead) => ahead,
        };
        let bytes = if chunk.overlong { &[] } else { &chunk.bytes[..] };
        let mut joined = None;
        let mut in_turn = |read: Option<LinesRead<'_>>| {
            let Ok(join) = turn.recv() else { return };
            let emit = &mut |d: &Delivery<'_>| parcel.push(d);
            let tally = match read {
                Some(read) => join.join(read, emit),
                None => join.chunk(bytes, emit),
            };
            joined = Some((tally, join.open_bytes()));
            // When all has been read, nobody is there to take it.
            let _ = next.send(join);
        };
        match ahead {
            Some(ahead) => ahead(bytes, &mut |read| in_turn(Some(read))),
            None => in_turn(None),
        }
        let (tally, open) = joined?;
        parcel.each(0, parcel.len(), |d| add(worker, d));
        parcel.clear();
        let tally = lines_of(&chunk, |_| tally);
        Some(Done { chunk, tally, open })
    }
}

/// Chunks come back in any order.
#[derive(Default)]
struct Order {
    next: u64,
    early: BTreeMap<u64, Done>,
}

impl Order {
    fn put(&mut self, n: u64, done: Done, each: &mut dyn FnMut(Done)) {
        self.early.insert(n, done);
        while let Some(done) = self.early.remove(&self.next) {
            self.next += 1;
            each(done);
        }
    }
}

fn lines_of(chunk: &Chunk, parse: impl FnOnce(&[u8]) -> Tally) -> Tally {
    if !chunk.overlong {
        return parse(&chunk.bytes);
    }
    // Only the piece with the line's end counts it, so that a line of many chunks is one line.
    let mut tally = Tally::default();
    if chunk.bytes.last() == Some(&b'\n') || chunk.last {
        tally.lines = 1;
        tally.relevant = 1;
        tally.reject("the line is longer than any record could be", "");
    }
    tally
}
