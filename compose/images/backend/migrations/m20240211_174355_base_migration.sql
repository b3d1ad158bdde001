CREATE TABLE users (
    id bigserial PRIMARY KEY,
    email varchar NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE coaching_sessions (
    id bigserial PRIMARY KEY,
    title varchar,
    date timestamptz NOT NULL
);
CREATE TABLE goals (
    id bigserial PRIMARY KEY,
    title varchar,
    status status NOT NULL DEFAULT 'not_started'
);
