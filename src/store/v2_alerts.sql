-- Version 2. What each alert looked like when it was last worth telling, and what each sink was told.

ALTER TABLE alerts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;    -- one more each time there is something new to tell
ALTER TABLE alerts ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;  -- when that was
ALTER TABLE alerts ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0;   -- its size then
ALTER TABLE alerts ADD COLUMN volume INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN last_seen INTEGER NOT NULL DEFAULT 0;   -- last mail it rests on
ALTER TABLE alerts ADD COLUMN quiet_since INTEGER;                    -- first run without anything new
ALTER TABLE alerts ADD COLUMN closed_at INTEGER;
UPDATE alerts SET changed_at = raised_at;

-- Senders and IPs behind an alert, hashed: a campaign that others joined has another id and is the same alert.
CREATE TABLE alert_origins (origin INTEGER NOT NULL, alert TEXT NOT NULL, PRIMARY KEY (origin, alert)) STRICT, WITHOUT ROWID;

CREATE TABLE alert_told (
  sink TEXT NOT NULL,      -- its name
  alert TEXT NOT NULL,
  revision INTEGER,        -- told last; NULL while the first word is owed
  severity TEXT,           -- as told
  closed INTEGER,          -- whether it was told to be over
  told_at INTEGER,
  PRIMARY KEY (sink, alert)
) STRICT, WITHOUT ROWID;
