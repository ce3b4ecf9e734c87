-- Version 6. Ledgers that other machines read: each is taken in once.
CREATE TABLE imports (job TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
