DROP TABLE oauth_connections;
DROP TYPE provider;
