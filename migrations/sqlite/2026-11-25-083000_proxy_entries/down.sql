DROP TABLE proxy_entry;
