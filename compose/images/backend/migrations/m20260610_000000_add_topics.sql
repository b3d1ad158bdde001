CREATE TABLE topics (id bigserial PRIMARY KEY, session_id bigint NOT NULL REFERENCES coaching_sessions (id));
