ALTER TABLE goals ADD COLUMN coaching_relationship_id bigint;
