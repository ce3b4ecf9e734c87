-- Version 11. A sender's contacts stand together, packed (`pages.rs`): a night reads all of them. `place` is the sender and
-- a part of the recipients; those of before are packed next.
ALTER TABLE contacts RENAME TO met;
CREATE TABLE contacts (place INTEGER PRIMARY KEY, met INTEGER NOT NULL, page BLOB NOT NULL) STRICT;
