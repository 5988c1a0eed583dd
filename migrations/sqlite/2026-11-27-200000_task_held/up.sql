-- What each unit has in hand and late is read from this index alone, however many tasks are done.
DROP INDEX task_due;
CREATE INDEX task_held ON task (unit_id, due_on, clock_stopped_on, state)
    WHERE state IN ('ready', 'acknowledged', 'in_progress');
