DROP INDEX post_case;
