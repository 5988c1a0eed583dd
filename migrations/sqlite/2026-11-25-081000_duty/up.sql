-- Who is on duty (值班) for a unit on a day; who has no account here is a name and a phone.
CREATE TABLE duty (
    id TEXT PRIMARY KEY NOT NULL,
    unit_id TEXT NOT NULL REFERENCES unit (id),
    day DATE NOT NULL,
    person TEXT NOT NULL,
    phone TEXT NOT NULL,
    person_id TEXT REFERENCES person (id),
    UNIQUE (unit_id, day, person)
);
CREATE INDEX duty_day ON duty (day);
