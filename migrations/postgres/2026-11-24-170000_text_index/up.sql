-- Pairs of neighbouring characters, made by the server; on SQLite they live in a file beside the database.
CREATE TABLE ticket_text (
    ticket_n BIGINT PRIMARY KEY NOT NULL REFERENCES ticket (n),
    words TSVECTOR NOT NULL
);
CREATE INDEX ticket_text_words ON ticket_text USING GIN (words);
