-- Version 5. `templates` holds masked forms; what people see as a template is a founder and the forms that are like it.
ALTER TABLE templates ADD COLUMN level INTEGER NOT NULL DEFAULT 0;  -- 0 exact, 1 first words, 2 code alone

-- A template's id is that of the form it began with, for good.
CREATE TABLE founders (
  id INTEGER PRIMARY KEY, text TEXT NOT NULL, type INTEGER NOT NULL, first INTEGER NOT NULL,
  proposed INTEGER,  -- type a language model proposed, 16 for none; NULL where none was asked
  likeness REAL
) STRICT;
