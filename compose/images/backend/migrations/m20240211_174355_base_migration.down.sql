DROP TABLE goals;
DROP TABLE coaching_sessions;
DROP TABLE users;
