DROP INDEX task_held;
CREATE INDEX task_due ON task (due_on) WHERE state IN ('ready', 'acknowledged', 'in_progress');
