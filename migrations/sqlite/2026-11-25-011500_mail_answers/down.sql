DROP TABLE inbound;
DROP TABLE flagged_address;
