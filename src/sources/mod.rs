//! sources

/// What earlier nights read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// One an input.
    pub marks: Vec<Mark>,
    /// Mails whose lines were not complete.
    pub pending: Vec<u8>,
}

/// How far an input was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// Stable hash of the first bytes.
    pub head: u64,
    /// How many.
    pub head_len: u64,
    /// Decompressed bytes consumed.
    pub offset: u64,
    /// Hash of the bytes before.
    pub tail: u64,
    /// Mails they held.
    pub records: u64,
    /// For people.
    pub path: String,
}
