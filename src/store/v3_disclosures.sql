-- Letters to owners, and what became of them.
CREATE TABLE disclosures (
  id TEXT PRIMARY KEY, audience TEXT NOT NULL, owner TEXT NOT NULL,
  contact TEXT, contact_source TEXT,
  state TEXT NOT NULL, gone INTEGER NOT NULL, changed_at INTEGER NOT NULL,
  items TEXT NOT NULL     -- JSON: what the owner is told
) STRICT, WITHOUT ROWID;

-- Who did what when: only ever added to.
CREATE TABLE disclosure_trail (
  number INTEGER PRIMARY KEY, disclosure TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
