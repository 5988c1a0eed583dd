DROP TABLE unit_day;
ALTER TABLE dependency DROP CONSTRAINT dependency_predecessor_id_successor_id_kind_key;
DELETE FROM dependency a USING dependency b
    WHERE a.predecessor_id = b.predecessor_id AND a.successor_id = b.successor_id AND a.id > b.id;
ALTER TABLE dependency ADD UNIQUE (predecessor_id, successor_id);
ALTER TABLE task DROP COLUMN fixed_on;
