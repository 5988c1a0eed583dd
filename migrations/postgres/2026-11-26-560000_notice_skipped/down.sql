DROP INDEX notice_skipped;
