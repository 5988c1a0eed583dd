-- A few among many posts are for one case: its manager is asked for at every acceptance.
CREATE INDEX post_case ON post (case_id) WHERE case_id IS NOT NULL;
