ALTER TABLE extension ADD COLUMN granted_due_on DATE;
