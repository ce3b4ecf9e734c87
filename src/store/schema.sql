-- Version 1. Moments are seconds since 1970-01-01T00:00:00Z, days are days since then; names are numbers of `names`.

-- How far each input was read: content, not path, is what is recognised (a rotated or gzipped log is the same log).
CREATE TABLE inputs (
  head     INTEGER NOT NULL,  -- hash of the first bytes
  head_len INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,  -- decompressed bytes consumed
  tail     INTEGER NOT NULL,  -- hash of the bytes before that
  records  INTEGER NOT NULL,
  path     TEXT    NOT NULL,
  PRIMARY KEY (head, head_len, tail, "offset")
) STRICT, WITHOUT ROWID;

-- Mails whose lines were not all written yet when a log ended.
CREATE TABLE pending (id INTEGER PRIMARY KEY CHECK (id = 0), state BLOB NOT NULL) STRICT;

CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO names VALUES (0, '');

CREATE TABLE days (
  day INTEGER PRIMARY KEY, non INTEGER NOT NULL, soft INTEGER NOT NULL, hard INTEGER NOT NULL
) STRICT;

CREATE TABLE day_types (
  day INTEGER NOT NULL, type INTEGER NOT NULL, attempts INTEGER NOT NULL, soft INTEGER NOT NULL, hard INTEGER NOT NULL,
  PRIMARY KEY (day, type)
) STRICT, WITHOUT ROWID;

-- Who wrote to whom, through whom, and what came of it.
CREATE TABLE contacts (
  sender INTEGER NOT NULL, client INTEGER NOT NULL, recipient INTEGER NOT NULL, direction INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, first_answer INTEGER NOT NULL,
  accepted_first INTEGER, accepted_last INTEGER,
  accepted INTEGER NOT NULL, unknown INTEGER NOT NULL, no_domain INTEGER NOT NULL, other INTEGER NOT NULL,
  PRIMARY KEY (sender, client, recipient, direction)
) STRICT, WITHOUT ROWID;

-- Hard bounces that say a recipient (T8, T9) or its domain (T2) does not exist.
CREATE TABLE refusals (
  sender INTEGER NOT NULL, recipient INTEGER NOT NULL, day INTEGER NOT NULL, type INTEGER NOT NULL,
  direction INTEGER NOT NULL, emails INTEGER NOT NULL,
  PRIMARY KEY (sender, recipient, day, type, direction)
) STRICT, WITHOUT ROWID;

CREATE TABLE templates (
  id INTEGER PRIMARY KEY, text TEXT NOT NULL, example TEXT NOT NULL, type INTEGER NOT NULL, count INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL
) STRICT;

CREATE TABLE blocklist_days (
  list TEXT NOT NULL, day INTEGER NOT NULL, attempts INTEGER NOT NULL, emails INTEGER NOT NULL, PRIMARY KEY (list, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE blocklist_ips (
  list TEXT NOT NULL, day INTEGER NOT NULL, ip TEXT NOT NULL, PRIMARY KEY (list, day, ip)
) STRICT, WITHOUT ROWID;
CREATE TABLE blocklist_receivers (
  list TEXT NOT NULL, day INTEGER NOT NULL, domain TEXT NOT NULL, PRIMARY KEY (list, day, domain)
) STRICT, WITHOUT ROWID;

CREATE TABLE authentication (
  domain TEXT PRIMARY KEY, failures INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sender_passes (domain TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (domain, day)) STRICT, WITHOUT ROWID;

-- What registries last said, and how long that holds.
CREATE TABLE lookups (
  domain TEXT PRIMARY KEY, status TEXT NOT NULL, checked_at INTEGER NOT NULL, fresh_until INTEGER NOT NULL,
  drops_at INTEGER,
  evidence TEXT NOT NULL,  -- JSON: [{"source","answer","server","at"}]
  details TEXT NOT NULL    -- JSON: registrar, dates, nameservers, MX, contacts
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
  id TEXT PRIMARY KEY, severity TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, raised_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('redaction_key', randomblob(32));
