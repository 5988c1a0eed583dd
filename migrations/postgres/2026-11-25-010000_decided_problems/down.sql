DROP INDEX problem_decided;
