ALTER TABLE coaching_sessions ADD COLUMN duration_minutes int NOT NULL DEFAULT 60;
