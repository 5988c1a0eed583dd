DROP TABLE ticket_text;
