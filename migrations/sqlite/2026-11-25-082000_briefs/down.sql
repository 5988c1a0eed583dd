DROP TABLE brief;
