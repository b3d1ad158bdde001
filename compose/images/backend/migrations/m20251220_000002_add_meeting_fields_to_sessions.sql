ALTER TABLE coaching_sessions ADD COLUMN meeting_url varchar;
