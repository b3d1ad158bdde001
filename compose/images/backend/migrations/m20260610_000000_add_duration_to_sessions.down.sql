ALTER TABLE coaching_sessions DROP COLUMN duration_minutes;
