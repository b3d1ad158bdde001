ALTER TABLE goals DROP COLUMN coaching_relationship_id;
