ALTER TABLE extension DROP COLUMN granted_due_on;
