-- Places were numbers of tickets: described anew as well.
UPDATE problem SET terms = '[]', places = '[]';
