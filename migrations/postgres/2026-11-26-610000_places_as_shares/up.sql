-- Places are told as shares: every problem is described anew when it is counted next.
UPDATE problem SET terms = '[]', places = '[]';
