-- A unit may want its head to sign off what its people hand in.
ALTER TABLE unit ADD COLUMN head_signs_off BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE submission ADD COLUMN awaits_sign_off BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX submission_awaits ON submission (task_id) WHERE awaits_sign_off;
-- What is to be ticked off within a task.
CREATE TABLE checklist_item (
    id TEXT PRIMARY KEY NOT NULL,
    task_id TEXT NOT NULL REFERENCES task (id),
    text TEXT NOT NULL,
    done_by TEXT,
    done_at TIMESTAMP
);
CREATE INDEX checklist_item_task ON checklist_item (task_id);
CREATE INDEX task_parent ON task (parent_task_id) WHERE parent_task_id IS NOT NULL;
