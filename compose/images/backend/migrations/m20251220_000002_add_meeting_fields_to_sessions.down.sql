ALTER TABLE coaching_sessions DROP COLUMN meeting_url;
