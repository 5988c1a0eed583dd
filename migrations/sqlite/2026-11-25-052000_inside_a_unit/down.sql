DROP INDEX task_parent;
DROP TABLE checklist_item;
DROP INDEX submission_awaits;
ALTER TABLE submission DROP COLUMN awaits_sign_off;
ALTER TABLE unit DROP COLUMN head_signs_off;
