CREATE TYPE provider AS ENUM ('google');
CREATE TABLE oauth_connections (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    provider provider NOT NULL
);
